// Passes over rows of activations: norms, int8 quantization, SwiGLU, sums (N3, N5, N6), RoPE (N7).
#pragma once

#include "backend/cpu/kernels/math.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// r of N6: 1 / sqrt(mean of squares + eps).
MOEBIUS_INLINE float inverse_rms(const float* x, int64_t n, float eps) {
  return 1.0f / square_root(dot(x, x, n) / static_cast<float>(n) + eps);
}

static void rms_norm(float* out, const float* x, const float* w, int64_t n, float eps) {
  const F32 r = set1(inverse_rms(x, n, eps));
  for_lanes(n, [&](int64_t i, int64_t count) {
    store_lanes(out + i, mul(mul(load_lanes(x + i, count), r), load_lanes(w + i, count)), count);
  });
}

static void add_to(float* residual, const float* x, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t count) {
    store_lanes(residual + i, add(load_lanes(residual + i, count), load_lanes(x + i, count)), count);
  });
}

static void swiglu(float* h, const float* gate, const float* up, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t count) {
    store_lanes(h + i, mul(silu(load_lanes(gate + i, count)), load_lanes(up + i, count)), count);
  });
}

static void scale_add(float* y, const float* x, float p, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t count) {
    store_lanes(y + i, fma(set1(p), load_lanes(x + i, count), load_lanes(y + i, count)), count);
  });
}

static void l2_norm(float* out, const float* x, int64_t n, float scale) {
  const F32 r = set1(1.0f / square_root(dot(x, x, n) + 1e-6f));
  const F32 s = set1(scale);
  for_lanes(n, [&](int64_t i, int64_t count) {
    const F32 unit = mul(load_lanes(x + i, count), r);
    store_lanes(out + i, scale == 1.0f ? unit : mul(unit, s), count);
  });
}

// Rotates the halves of the first rotary_dim elements (N7). cos_sin: rotary_dim / 2 cosines, then as many sines.
static void rotate(float* x, const float* cos_sin, int64_t rotary_dim) {
  const int64_t half = rotary_dim / 2;
  for_lanes(half, [&](int64_t i, int64_t count) {
    const F32 c = load_lanes(cos_sin + i, count);
    const F32 s = load_lanes(cos_sin + half + i, count);
    const F32 low = load_lanes(x + i, count);
    const F32 high = load_lanes(x + half + i, count);
    store_lanes(x + i, fma(negate(high), s, mul(low, c)), count);
    store_lanes(x + half + i, fma(low, s, mul(high, c)), count);
  });
}

static void gate_sigmoid(float* out, const float* gate, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t count) {
    store_lanes(out + i, mul(load_lanes(out + i, count), sigmoid(load_lanes(gate + i, count))), count);
  });
}

// Quantizes one block of up to 64 inputs (N3). The largest |x| is found by comparing bit patterns, where NaN counts as
// larger than infinity.
MOEBIUS_INLINE void quantize_block(int8_t* q, float* scale, float* sum32, const float* x, int64_t n) {
  constexpr int32_t kInfinityBits = 0x7f800000;
  I32 largest = set1_int(0);
  for_lanes(n, [&](int64_t i, int64_t count) {
    largest = max(largest, bit_and(as_int(load_lanes(x + i, count)), set1_int(0x7fffffff)));
  });
  const int32_t bits = max_of_lanes(largest);
  float m = 0;
  __builtin_memcpy(&m, &bits, 4);
  const bool finite = bits < kInfinityBits;
  const bool zero_block = !finite || m < 0x1p-100f;
  *scale = !finite ? __builtin_nanf("") : zero_block ? 0.0f : m / 127.0f;
  const F32 r = set1(zero_block ? 0.0f : 127.0f / m);
  I32 sums[2] = {set1_int(0), set1_int(0)};
  for (int64_t i = 0; i < kQuantBlock; i += 16) {
    const int64_t count = n - i < 16 ? (n - i < 0 ? 0 : n - i) : 16;
    I32 codes = set1_int(0);
    if (!zero_block && count > 0) codes = to_int(round_even(mul(load_lanes(x + i, count), r)));
    store_i8(q + i, codes);
    sums[i / 32] = add(sums[i / 32], codes);
  }
  sum32[0] = static_cast<float>(sum_of_lanes(sums[0]));
  sum32[1] = static_cast<float>(sum_of_lanes(sums[1]));
}

static void quantize_row(const QuantizedOut& out, const float* x, int64_t n) {
  for (int64_t block = 0; block * kQuantBlock < n; ++block) {
    const int64_t i = block * kQuantBlock;
    quantize_block(out.q + i, out.scale + block, out.sum32 + 2 * block, x + i,
                   n - i < kQuantBlock ? n - i : kQuantBlock);
    out.sum64[block] = out.sum32[2 * block] + out.sum32[2 * block + 1];
  }
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
