// Affine weights times int8 activations (N4): codes are unpacked once for all the rows of activations they meet.
#pragma once

#include "backend/cpu/kernels/codes.h"

namespace moebius::cpu::MOEBIUS_ISA {

// The sums of one row, one a place (layout.h). Instruction sets whose products would overflow keep every code at place
// 0.
template <int Bits, int Number = kPlacedCodes ? last_place_number(Bits) : 0>
struct PlacedDots {
  Dot<Bits> sum;
  PlacedDots<Bits, Number - 1> lower;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const int8_t* q) {
    if constexpr (place_number(Bits, Set) == Number || !kPlacedCodes) {
      sum.template accumulate<Set>(codes, q);
    } else {
      lower.template accumulate<Set>(codes, q);
    }
  }
  MOEBIUS_INLINE_MEMBER I32 total() {
    if constexpr (Number == 0) {
      return sum.total();
    } else {
      return add(shift_right_arithmetic<place_of(Bits, Number)>(sum.total()), lower.total());
    }
  }
};
template <int Bits>
struct PlacedDots<Bits, -1> {};

// acc = fma(a, fma(s, float(d), b * float(z)), acc) (N4).
template <int Unit>
MOEBIUS_INLINE F32 add_scaled(F32 acc, I32 d, F32 s, F32 b, const ActivationRow& row, int k) {
  const F32 z = set1(Unit == 64 ? row.sum64[k / Unit] : row.sum32[k / Unit]);
  const F32 a = set1(row.scale[k / kQuantBlock]);
  return fma(a, fma(s, to_float(d), mul(b, z)), acc);
}

// y [16] of one block and one row.
template <int Bits, int Unit>
static void int8_row(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int) {
  F32 total = zero();
  F32 acc = zero();
  for_each_unit<Bits, Unit>(
      block, w,
      [&](const uint8_t* unit, int k, F32 s, F32 b) MOEBIUS_INLINE_LAMBDA {
        const int8_t* q = rows->q + k;
        PlacedDots<Bits> dots;
        for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
          constexpr int kPlace = kPlacedCodes ? place_of(Bits, place_number(Bits, Set)) : 0;
          dots.template accumulate<Set>(codes_of_set<Bits, Unit, Set, kPlace>(unit), q + 4 * Set);
        });
        acc = add_scaled<Unit>(acc, dots.total(), s, b, *rows, k);
      },
      [&]() MOEBIUS_INLINE_LAMBDA {
        total = add(total, acc);
        acc = zero();
      });
  store(y, total);
}

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
  // acc: [N][16].
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(float* acc, F32 s, F32 b, const ActivationRow* rows, int k) {
    store(acc, add_scaled<Unit>(load(acc), first.total(), s, b, *rows, k));
    others.template add_to<Unit>(acc + kLanes, s, b, rows + 1, k);
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
  dots.template add_to<Unit>(acc, s, b, rows, k);
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

// y [n][16] of one block. N: n as a constant when all sums fit into registers; otherwise 0.
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
