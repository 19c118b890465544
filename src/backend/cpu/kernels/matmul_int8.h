// Affine weights times int8 activations (N4): codes are unpacked once for all the rows of activations they meet.
#pragma once

#include "backend/cpu/kernels/codes.h"

namespace moebius::cpu::MOEBIUS_ISA {

// The sums of N rows of activations, as nested members for the reason given in codes.h (measured: as an array they took
// 4 times as long).
template <int Bits, int N>
struct Dots {
  Dot<Bits> first;
  Dots<Bits, N - 1> others;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const int8_t* const* q) {
    first.template accumulate<Set>(codes, q[0] + 4 * Set);
    others.template accumulate<Set>(codes, q + 1);
  }
  // acc = fma(a, fma(s, float(d), b * float(z)), acc) for each row (N4). acc: [N][16].
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(float* acc, F32 s, F32 b, const ActivationRow* rows, int unit) {
    const F32 z = set1(Unit == 64 ? rows->sum64[unit] : rows->sum32[unit]);
    const F32 a = set1(rows->scale[unit * Unit / kQuantBlock]);
    store(acc, fma(a, fma(s, first.total(), mul(b, z)), load(acc)));
    others.template add_to<Unit>(acc + kLanes, s, b, rows + 1, unit);
  }
};
template <int Bits>
struct Dots<Bits, 0> {
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes&, const int8_t* const*) {}
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(float*, F32, F32, const ActivationRow*, int) {}
};

// Rows [t, t + N) of one unit: acc [N][16].
template <int Bits, int Unit, int N>
MOEBIUS_INLINE void add_unit(float* acc, const UnitCodes<Bits, Unit>& codes, F32 s, F32 b, const ActivationRow* rows,
                             int k) {
  const int8_t* q[N];
  for (int t = 0; t < N; ++t) q[t] = rows[t].q + k;
  Dots<Bits, N> dots;
  codes.for_each([&]<int Set>(const Bytes& set) MOEBIUS_INLINE_LAMBDA { dots.template accumulate<Set>(set, q); });
  dots.template add_to<Unit>(acc, s, b, rows, k / Unit);
}

// Any number of rows, kRowsAtOnce by kRowsAtOnce; the codes stay where they are meanwhile.
template <int Bits, int Unit, int N = kRowsAtOnce>
MOEBIUS_INLINE void add_unit(float* acc, const UnitCodes<Bits, Unit>& codes, F32 s, F32 b, const ActivationRow* rows,
                             int k, int n) {
  for (; n >= N; n -= N, rows += N, acc += N * kLanes) add_unit<Bits, Unit, N>(acc, codes, s, b, rows, k);
  if constexpr (N > 1) {
    if (n > 0) add_unit<Bits, Unit, N - 1>(acc, codes, s, b, rows, k, n);
  }
}

// y [n][16] of one block. N: n as a constant when it is small, so that few rows cost no loop; otherwise 0.
template <int Bits, int Unit, int N>
static void int8_block(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int count) {
  const int n = N > 0 ? N : count;
  alignas(64) float acc[(N > 0 ? N : kMostRows) * kLanes];
  clear(y, n);
  clear(acc, n);
  for_each_unit<Bits, Unit>(
      block, w,
      [&](const uint8_t* unit, int k, F32 s, F32 b) MOEBIUS_INLINE_LAMBDA {
        const UnitCodes<Bits, Unit> codes(unit);
        if constexpr (N > 0) {
          add_unit<Bits, Unit, N>(acc, codes, s, b, rows, k);
        } else {
          add_unit<Bits, Unit>(acc, codes, s, b, rows, k, n);
        }
      },
      [&]() MOEBIUS_INLINE_LAMBDA { end_segment(y, acc, n); });
}

}  // namespace moebius::cpu::MOEBIUS_ISA
