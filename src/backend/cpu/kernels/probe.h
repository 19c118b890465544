// What the dot products of this instruction set can do when nothing is in their way: the roof of `bench --ops`.
#pragma once

#include "backend/cpu/kernels/matmul_int8.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// All sums are asked for, or the compiler would leave out the others.
template <class Format, int N>
MOEBIUS_INLINE I32 sum_of_rows(PairDots<Format, N>& dots) {
  const I32 sum = add(dots.first.total(), dots.second.total());
  if constexpr (N == 1) {
    return sum;
  } else {
    return add(sum, sum_of_rows(dots.others));
  }
}

// The dot products of int8_pair on one unit that never changes: `rounds` times kRowsAtOnce rows. Returns the
// multiply-adds it did; sum: so that they are done.
static int64_t dot_probe(int32_t* sum, int64_t rounds) {
  constexpr int kUnit = 64;
  const PairCodes<kUnit> codes = {};
  asm volatile("" : : "r"(&codes) : "memory");  // two blocks that the compiler knows to be alike, likewise
  alignas(64) const int8_t activations[kUnit] = {1};
  const int8_t* q[kRowsAtOnce];
  for (const int8_t*& row : q) {
    row = activations;
    asm volatile("" : "+r"(row));  // rows that the compiler knows to be one would be multiplied once
  }
  I32 total = set1_int(0);
  for (int64_t i = 0; i < rounds; ++i) {
    PairDots<Affine<4>, kRowsAtOnce> dots;
    for_each_set<kUnit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
      dots.template accumulate<Set>(load_bytes(codes.first + 64 * Set), load_bytes(codes.second + 64 * Set), q);
    });
    total = add(total, sum_of_rows(dots));
    asm volatile("" ::: "memory");  // the same work again: nothing of the last round may be kept
  }
  *sum = sum_of_lanes(total);
  return rounds * kRowsAtOnce * kPairLanes * kUnit;
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
