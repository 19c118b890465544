// GatedDeltaNet: causal convolution with SiLU, and one step of the delta rule with its gated RMSNorm (N6, N8).
#pragma once

#include "backend/cpu/kernels/math.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::cpu::MOEBIUS_ISA {

// Sixteen channels (or the last few) through all tokens; taps ascending, the last one meets the current token.
MOEBIUS_INLINE void conv_lanes(const ConvArgs& args, int64_t channel, int64_t count) {
  const int history = args.kernel - 1;
  for (int64_t row = 0; row < args.rows; ++row) {
    F32 acc = zero();
    for (int tap = 0; tap < args.kernel; ++tap) {
      const int64_t source = row + tap - history;  // negative: still in the state
      const float* u = source < 0 ? args.state + (source + history) * args.channels : args.in + source * args.channels;
      const F32 w = load_lanes(args.weight + tap * args.channels + channel, count);
      acc = fma(w, load_lanes(u + channel, count), acc);
    }
    store_lanes(args.out + row * args.channels + channel, silu(acc), count);
  }
  // The state becomes the last `history` rows of [state; in].
  for (int j = 0; j < history; ++j) {
    const int64_t source = args.rows + j - history;
    const float* u = source < 0 ? args.state + (source + history) * args.channels : args.in + source * args.channels;
    store(args.scratch + j * kLanes, load_lanes(u + channel, count));
  }
  for (int j = 0; j < history; ++j) {
    store_lanes(args.state + j * args.channels + channel, load(args.scratch + j * kLanes), count);
  }
}

static void conv(const ConvArgs& args) {
  for_lanes(args.count, [&](int64_t i, int64_t count) { conv_lanes(args, args.first + i, count); });
}

constexpr int kStateSegment = 32;  // rows between two roundings into m and n

// m = S^T k and n = S^T q for Vectors * 16 columns from `column`.
template <int Vectors>
MOEBIUS_INLINE void state_products(float* m, float* n, const DeltaStepArgs& args, int64_t column) {
  F32 m_total[Vectors], n_total[Vectors];
  for (int j = 0; j < Vectors; ++j) m_total[j] = n_total[j] = zero();
  for (int first = 0; first < args.dk; first += kStateSegment) {
    const int last = first + kStateSegment < args.dk ? first + kStateSegment : args.dk;
    F32 m_acc[Vectors], n_acc[Vectors];
    for (int j = 0; j < Vectors; ++j) m_acc[j] = n_acc[j] = zero();
    for (int row = first; row < last; ++row) {
      const float* s = args.state + int64_t{row} * args.stride + column;
      const F32 k = set1(args.k[row]);
      const F32 q = set1(args.q[row]);
      for (int j = 0; j < Vectors; ++j) {
        const F32 value = load(s + 16 * j);
        m_acc[j] = fma(value, k, m_acc[j]);
        n_acc[j] = fma(value, q, n_acc[j]);
      }
    }
    for (int j = 0; j < Vectors; ++j) {
      m_total[j] = add(m_total[j], m_acc[j]);
      n_total[j] = add(n_total[j], n_acc[j]);
    }
  }
  for (int j = 0; j < Vectors; ++j) {
    store(m + column + 16 * j, m_total[j]);
    store(n + column + 16 * j, n_total[j]);
  }
}

// S = k d^T + g S for Vectors * 16 columns.
template <int Vectors>
MOEBIUS_INLINE void state_update(const DeltaStepArgs& args, const float* d, int64_t column) {
  F32 delta[Vectors];
  for (int j = 0; j < Vectors; ++j) delta[j] = load(d + column + 16 * j);
  const F32 g = set1(args.decay);
  for (int row = 0; row < args.dk; ++row) {
    float* s = args.state + int64_t{row} * args.stride + column;
    const F32 k = set1(args.k[row]);
    for (int j = 0; j < Vectors; ++j) store(s + 16 * j, fma(k, delta[j], mul(g, load(s + 16 * j))));
  }
}

// y = ((o r) w) * gate(z), in place.
MOEBIUS_INLINE void gated_norm(const DeltaStepArgs& args) {
  float* o = args.out;
  const F32 r = set1(inverse_rms(o, args.dv, args.eps));
  for_lanes(args.dv, [&](int64_t i, int64_t count) {
    const F32 z = load_lanes(args.z + i, count);
    const F32 gate = args.sigmoid_gate ? sigmoid(z) : silu(z);
    const F32 normed = mul(mul(load_lanes(o + i, count), r), load_lanes(args.norm + i, count));
    store_lanes(o + i, mul(normed, gate), count);
  });
}

static void delta_step(const DeltaStepArgs& args) {
  float* m = args.scratch;
  float* n = args.scratch + args.stride;
  int64_t column = 0;
  for (; column + 128 <= args.stride; column += 128) state_products<8>(m, n, args, column);
  for (; column < args.stride; column += 16) state_products<1>(m, n, args, column);
  const F32 kq = set1(dot(args.k, args.q, args.dk));
  const F32 g = set1(args.decay);
  for_lanes(args.dv, [&](int64_t i, int64_t count) {
    const F32 v = load_lanes(args.v + i, count);
    const F32 d = mul(set1(args.beta), sub(v, mul(g, load(m + i))));
    store_lanes(args.out + i, fma(kq, d, mul(g, load(n + i))), count);
    store(m + i, d);
  });
  for (column = 0; column + 128 <= args.stride; column += 128) state_update<8>(args, m, column);
  for (; column < args.stride; column += 16) state_update<1>(args, m, column);
  gated_norm(args);
}

}  // namespace moebius::cpu::MOEBIUS_ISA
