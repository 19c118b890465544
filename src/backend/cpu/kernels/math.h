// exp, sigmoid and SiLU in 16 lanes, with the polynomial of base/fmath.h, operation for operation; sums along a vector
// (N5). MOEBIUS_VEC is the vector header of the instruction set; isa_*.cpp names it.
#pragma once

#include "backend/cpu/kernels/kernel_table.h"
#include "base/fmath.h"

#include MOEBIUS_VEC

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Prefetches a cache line into the second-level cache. A core can have only two dozen lines under way to its first
// level, which is too few for the latency of memory. Measured: 9-14 GB/s a core into the first level, 20-28 into the
// second.
MOEBIUS_INLINE void prefetch(const uint8_t* p) { __builtin_prefetch(p, 0, 2); }

// 2^n for -126 <= n <= 127, in each lane.
MOEBIUS_INLINE F32 power_of_two(I32 n) { return as_float(shift_left<23>(add(n, set1_int(127)))); }

MOEBIUS_INLINE F32 exp(F32 x) {
  x = min_or_second(set1(fmath::kExpMax), x);  // NaN passes both
  x = max_or_second(set1(fmath::kExpMin), x);
  const F32 n = round_even(mul(x, set1(fmath::kLog2E)));
  F32 r = fma(n, set1(-fmath::kLn2High), x);
  r = fma(n, set1(-fmath::kLn2Low), r);
  F32 p = set1(fmath::kExpPolynomial[0]);
  for (int i = 1; i < 6; ++i) p = fma(p, r, set1(fmath::kExpPolynomial[i]));
  const F32 y = add(fma(p, mul(r, r), r), set1(1.0f));
  const I32 exponent = to_int(n);
  const I32 half = shift_right_arithmetic<1>(exponent);
  return mul(mul(y, power_of_two(half)), power_of_two(sub(exponent, half)));
}

MOEBIUS_INLINE F32 one_plus_exp_of_minus(F32 z) { return add(set1(1.0f), exp(negate(z))); }
MOEBIUS_INLINE F32 sigmoid(F32 z) { return div(set1(1.0f), one_plus_exp_of_minus(z)); }
MOEBIUS_INLINE F32 silu(F32 z) { return div(z, one_plus_exp_of_minus(z)); }

// The tree of N5: l += l+8, l+4, l+2, l+1.
MOEBIUS_INLINE float sum_of_lanes(F32 a) {
  a = add(a, lanes_down<8>(a));
  a = add(a, lanes_down<4>(a));
  a = add(a, lanes_down<2>(a));
  a = add(a, lanes_down<1>(a));
  return first_lane(a);
}

// sum of a[i] * b[i] by N5.
static inline float dot(const float* a, const float* b, int64_t n) {
  F32 lanes = zero();
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) lanes = fma(load(a + i), load(b + i), lanes);
  if (i < n) lanes = fma_first(load_first(a + i, n - i), load_first(b + i, n - i), lanes, n - i);
  return sum_of_lanes(lanes);
}

MOEBIUS_INLINE float square_root(float x) { return __builtin_sqrtf(x); }

// Calls f(first, count) over n elements: for full vectors of 16, then for the rest.
template <class Function>
MOEBIUS_INLINE void for_lanes(int64_t n, const Function& f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) f(i, int64_t{16});
  if (i < n) f(i, n - i);
}

MOEBIUS_INLINE F32 load_lanes(const float* p, int64_t count) { return count == 16 ? load(p) : load_first(p, count); }
MOEBIUS_INLINE void store_lanes(float* p, F32 a, int64_t count) {
  if (count == 16) {
    store(p, a);
  } else {
    store_first(p, a, count);
  }
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
