// GatedDeltaNet: the causal convolution with SiLU, and the delta rule with its gated RMSNorm (N6, N8).
#pragma once

#include "backend/cpu/kernels/math.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Row `row` of [state; in]. Rows are counted from the first row of `in`; the rows of the state are negative.
MOEBIUS_INLINE const float* conv_row(const ConvArgs& args, int64_t row) {
  return row < 0 ? args.state + (row + args.kernel - 1) * args.channels : args.in + row * args.channels;
}

// The convolution with SiLU. Taps are taken in ascending order; the last tap meets the current token.
static void conv(const ConvArgs& args) {
  const int history = args.kernel - 1;
  for (int64_t row = 0; row < args.rows; ++row) {
    for_lanes(args.count, [&](int64_t i, int64_t count) {
      const int64_t channel = args.first + i;
      F32 acc = zero();
      for (int tap = 0; tap < args.kernel; ++tap) {
        const F32 w = load_lanes(args.weight + tap * args.channels + channel, count);
        acc = fma(w, load_lanes(conv_row(args, row + tap - history) + channel, count), acc);
      }
      store_lanes(args.out + row * args.channels + channel, silu(acc), count);
    });
  }
}

constexpr int kStateSegment = 32;  // rows of the state between two roundings into m and n (N8)

// The number of columns of the state in memory: dv rounded up to a multiple of 16.
constexpr int64_t padded(int64_t dv) { return (dv + 15) / 16 * 16; }

// One pass over the rows of V * 16 columns of the state does two things. It takes in one token (k_before and d): the
// state is updated. It meets the next token (k and q): m and n are computed. Either may be left out.
template <int V>
struct StateColumns {
  F32 d[V];        // of the token that is taken in
  F32 m[V], n[V];  // S^T k and S^T q of the token that is met
};
struct StatePass {
  const float* in;  // [V, Dk, 16]
  float* out;       // may be the memory of `in`
  int dk;
  float decay;
  const float* k_before;
  const float* k;
  const float* q;
};

template <int V, bool Update, bool Multiply>
MOEBIUS_INLINE void pass_over_state(StateColumns<V>& columns, const StatePass& pass) {
  const F32 g = set1(pass.decay);
  for (int j = 0; j < V && Multiply; ++j) columns.m[j] = columns.n[j] = zero();
  for (int first = 0; first < pass.dk; first += kStateSegment) {
    const int last = first + kStateSegment < pass.dk ? first + kStateSegment : pass.dk;
    F32 m[V], n[V];
    for (int j = 0; j < V && Multiply; ++j) m[j] = n[j] = zero();
    for (int row = first; row < last; ++row) {
      const F32 k_before = Update ? set1(pass.k_before[row]) : zero();
      const F32 k = Multiply ? set1(pass.k[row]) : zero();
      const F32 q = Multiply ? set1(pass.q[row]) : zero();
      for (int j = 0; j < V; ++j) {
        const int64_t at = 16 * (int64_t{j} * pass.dk + row);
        F32 s = load(pass.in + at);
        if constexpr (Update) {
          s = fma(k_before, columns.d[j], mul(g, s));
          store(pass.out + at, s);
        }
        if constexpr (Multiply) {
          m[j] = fma(s, k, m[j]);
          n[j] = fma(s, q, n[j]);
        }
      }
    }
    for (int j = 0; j < V && Multiply; ++j) {
      columns.m[j] = add(columns.m[j], m[j]);
      columns.n[j] = add(columns.n[j], n[j]);
    }
  }
}

// d = beta (v - g m) and o = kq d + g n of one token (N8).
template <int V>
MOEBIUS_INLINE void end_token(StateColumns<V>& columns, const DeltaRuleArgs& args, int row, int64_t column) {
  const F32 g = set1(args.decay[row]);
  const F32 beta = set1(args.beta[row]);
  const F32 kq = set1(args.kq[row]);
  for (int j = 0; j < V; ++j) {
    const int64_t first = column + 16 * j;
    const int64_t count = args.dv - first < 16 ? args.dv - first : 16;
    const F32 v = load_lanes(args.v + row * args.v_stride + first, count);
    columns.d[j] = mul(beta, sub(v, mul(g, columns.m[j])));
    const F32 o = fma(kq, columns.d[j], mul(g, columns.n[j]));
    store_lanes(args.out + row * args.out_stride + first, o, count);
    if (args.d != nullptr) store(args.d + row * padded(args.dv) + first, columns.d[j]);
  }
}

// Runs the tokens through V * 16 columns, which stay in the first-level cache. Each token except the first is met in
// the pass that takes in the token before it.
template <int V>
MOEBIUS_INLINE void delta_columns(const DeltaRuleArgs& args, int64_t column) {
  StateColumns<V> columns;
  const float* state = args.state + column * args.dk;
  StatePass pass = {state, args.next_state + column * args.dk, args.dk, 0, nullptr, args.k, args.q};
  pass_over_state<V, false, true>(columns, pass);
  for (int row = 0; row < args.rows; ++row) {
    end_token(columns, args, row, column);
    pass.decay = args.decay[row];
    pass.k_before = pass.k;
    pass.k += args.dk;
    pass.q += args.dk;
    if (row + 1 < args.rows) {
      pass_over_state<V, true, true>(columns, pass);
    } else {
      pass_over_state<V, true, false>(columns, pass);
    }
    pass.in = pass.out;
  }
}

template <int V>
MOEBIUS_INLINE void replay_columns(const DeltaReplayArgs& args, int64_t column) {
  StateColumns<V> columns;
  float* state = args.state + column * args.dk;
  for (int row = 0; row < args.rows; ++row) {
    for (int j = 0; j < V; ++j) columns.d[j] = load(args.d + row * padded(args.dv) + column + 16 * j);
    pass_over_state<V, true, false>(
        columns, {state, state, args.dk, args.decay[row], args.k + int64_t{row} * args.dk, nullptr, nullptr});
  }
}

// The arguments for the tokens behind the first `rows` ones.
MOEBIUS_INLINE DeltaRuleArgs after(DeltaRuleArgs args, int rows) {
  args.state = args.next_state;
  args.out += rows * args.out_stride;
  args.z += rows * args.out_stride;
  args.q += rows * args.dk;
  args.k += rows * args.dk;
  args.v += rows * args.v_stride;
  args.kq += rows;
  args.decay += rows;
  args.beta += rows;
  if (args.d != nullptr) args.d += rows * padded(args.dv);
  return args;
}

// y = ((o r) w) * gate(z) of one token, in place.
MOEBIUS_INLINE void gated_norm(const DeltaRuleArgs& args, int row) {
  float* o = args.out + row * args.out_stride;
  const float* gates = args.z + row * args.out_stride;
  const F32 r = set1(inverse_rms(o, args.dv, args.eps));
  for_lanes(args.dv, [&](int64_t i, int64_t count) {
    const F32 z = load_lanes(gates + i, count);
    const F32 gate = args.sigmoid_gate ? sigmoid(z) : silu(z);
    const F32 normed = mul(mul(load_lanes(o + i, count), r), load_lanes(args.norm + i, count));
    store_lanes(o + i, mul(normed, gate), count);
  });
}

// Calls f<V>(column) for every V * 16 columns, where `column` is the first of them.
template <class Function>
MOEBIUS_INLINE void for_each_columns(int64_t dv, const Function& f) {
  constexpr int64_t kColumns = 16 * kStateVectors;
  int64_t column = 0;
  for (; column + kColumns <= dv; column += kColumns) f.template operator()<kStateVectors>(column);
  for (; column < dv; column += 16) f.template operator()<1>(column);
}

constexpr int kTokensAtOnce = 64;  // tokens whose q and k stay in the second-level cache while they meet all columns

static void delta_rule(const DeltaRuleArgs& args) {
  DeltaRuleArgs part = args;
  for (int first = 0; first < args.rows; first += kTokensAtOnce) {
    part.rows = args.rows - first < kTokensAtOnce ? args.rows - first : kTokensAtOnce;
    for_each_columns(args.dv, [&]<int V>(int64_t column) { delta_columns<V>(part, column); });
    for (int row = 0; row < part.rows; ++row) gated_norm(part, row);
    part = after(part, part.rows);
  }
}

static void delta_replay(const DeltaReplayArgs& args) {
  for_each_columns(args.dv, [&]<int V>(int64_t column) { replay_columns<V>(args, column); });
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
