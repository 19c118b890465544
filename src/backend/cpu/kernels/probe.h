// What the dot products of this instruction set can do when nothing is in their way: the roof of `bench --ops`.
#pragma once

#include "backend/cpu/kernels/matmul_int8.h"

namespace moebius::cpu::MOEBIUS_ISA {

// All sums are asked for, or the compiler would leave out the others.
template <int Bits, int N>
MOEBIUS_INLINE I32 sum_of_rows(Dots<Bits, N>& dots) {
  if constexpr (N == 1) {
    return dots.first.total();
  } else {
    return add(dots.first.total(), sum_of_rows(dots.others));
  }
}

// The inner loop of int8_block on one unit that never changes: `rounds` times kRowsAtOnce rows. Returns the
// multiply-adds it did; sum: so that they are done.
static int64_t dot_probe(int32_t* sum, int64_t rounds) {
  constexpr int kBits = 4;
  constexpr int kUnit = 64;
  alignas(64) const uint8_t unit[kUnit * kBits * 2] = {};
  alignas(64) const int8_t activations[kUnit] = {1};
  const int8_t* q[kRowsAtOnce];
  for (const int8_t*& row : q) {
    row = activations;
    asm volatile("" : "+r"(row));  // rows that the compiler knows to be one would be multiplied once
  }
  const UnitCodes<kBits, kUnit> codes(unit);
  I32 total = set1_int(0);
  for (int64_t i = 0; i < rounds; ++i) {
    Dots<kBits, kRowsAtOnce> dots;
    codes.for_each([&]<int Set>(const Bytes& set) MOEBIUS_INLINE_LAMBDA { dots.template accumulate<Set>(set, q); });
    total = add(total, sum_of_rows(dots));
    asm volatile("" ::: "memory");  // the same work again: nothing of the last round may be kept
  }
  *sum = sum_of_lanes(total);
  return rounds * kRowsAtOnce * kLanes * kUnit;
}

}  // namespace moebius::cpu::MOEBIUS_ISA
