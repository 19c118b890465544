// Measures how fast the dot products of this instruction set are when memory does not limit them: the roof in
// `bench --ops`.
#pragma once

#include "backend/cpu/kernels/matmul_int8.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Adds up the sums of all rows. The compiler would leave out a sum that nothing uses.
template <class Format, int N>
MOEBIUS_INLINE I32 sum_of_rows(PairDots<Format, N>& dots) {
  const I32 sum = add(dots.first.total(), dots.second.total());
  if constexpr (N == 1) {
    return sum;
  } else {
    return add(sum, sum_of_rows(dots.others));
  }
}

// Runs the dot products of int8_pair on one unit that never changes: kRowsAtOnce rows, `rounds` times. Returns how many
// multiply-adds it did. It writes a sum so that the compiler cannot leave them out.
static int64_t dot_probe(int32_t* sum, int64_t rounds) {
  constexpr int kUnit = 64;
  const PairCodes<kUnit> codes = {};
  asm volatile("" : : "r"(&codes) : "memory");  // the compiler must not know that both blocks are alike
  alignas(64) const int8_t activations[kUnit] = {1};
  const int8_t* q[kRowsAtOnce];
  for (const int8_t*& row : q) {
    row = activations;
    asm volatile("" : "+r"(row));  // the compiler would multiply only once if it knew that all rows are one
  }
  I32 total = set1_int(0);
  for (int64_t i = 0; i < rounds; ++i) {
    PairDots<Affine<4>, kRowsAtOnce> dots;
    for_each_set<kUnit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
      dots.template accumulate<Set>(load_bytes(codes.first + 64 * Set), load_bytes(codes.second + 64 * Set), q);
    });
    total = add(total, sum_of_rows(dots));
    asm volatile("" ::: "memory");  // makes the compiler repeat the work in every round
  }
  *sum = sum_of_lanes(total);
  return rounds * kRowsAtOnce * kPairLanes * kUnit;
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
