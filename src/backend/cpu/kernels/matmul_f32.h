// Weights times f32 activations (N2). Dense weights are used as they are. Quantized weights are decoded on the way
// (router, shared gate, in_proj_a, in_proj_b). One row of activations keeps its sums in registers. Many rows keep their
// sums in memory, and four inputs of two blocks are loaded once for all rows.
#pragma once

#include "backend/cpu/kernels/codes.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

template <Element E>
MOEBIUS_INLINE F32 dense_weight(const uint8_t* block, int k) {
  return load_element(block + int64_t{k} * kLanes * element_bytes(E), E);
}

MOEBIUS_INLINE F32 add_input(F32 acc, F32 weight, const float* x) { return fma(weight, set1(*x), acc); }

// The weights of four inputs of a block.
struct FourInputs {
  F32 w0, w1, w2, w3;

  MOEBIUS_INLINE_MEMBER F32 add_to(F32 acc, const float* x) const {
    return add_input(add_input(add_input(add_input(acc, w0, x), w1, x + 1), w2, x + 2), w3, x + 3);
  }
};

// acc += weights times inputs k .. k + 3, ascending, for n rows of activations and a pair of blocks.
MOEBIUS_INLINE void add_four(PairSums acc, const FourInputs& first, const FourInputs& second, const ActivationRow* rows,
                             int k, int n) {
  for (int t = 0; t < n; ++t, acc = acc.after(1)) {
    const float* x = rows[t].x + k;
    const F32 sum = first.add_to(load(acc.in), x);
    store(acc.out + kLanes, second.add_to(load(acc.in + kLanes), x));
    store(acc.out, sum);
  }
}

template <Element E>
static void dense_row(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  F32 total = zero();
  for (int k = 0; k < w.cols;) {
    const int end = k + kSegment < w.cols ? k + kSegment : w.cols;
    F32 acc = zero();
    for (; k < end; ++k) {
      prefetch(block + int64_t{k} * kLanes * element_bytes(E) + kAheadBytes);
      acc = add_input(acc, dense_weight<E>(block, k), rows->x + k);
    }
    total = add(total, acc);
  }
  store(y, total);
}

template <Element E>
MOEBIUS_INLINE FourInputs dense_four(const uint8_t* block, int k) {
  return {dense_weight<E>(block, k), dense_weight<E>(block, k + 1), dense_weight<E>(block, k + 2),
          dense_weight<E>(block, k + 3)};
}

template <Element E>
static void dense_pair(float* y, const BlockPair& blocks, const MatrixView& w, const ActivationRow* rows, int n) {
  alignas(64) float acc[kMaxRows * kPairLanes];
  for (int k = 0; k < w.cols;) {
    const int begin = k;
    const int end = k + kSegment < w.cols ? k + kSegment : w.cols;
    for (; k + 4 <= end; k += 4) {
      add_four(pair_sums(acc, k == begin), dense_four<E>(blocks.first, k), dense_four<E>(blocks.second, k), rows, k, n);
    }
    for (; k < end; ++k) {
      const F32 first = dense_weight<E>(blocks.first, k);
      const F32 second = dense_weight<E>(blocks.second, k);
      PairSums sums = pair_sums(acc, k == begin);
      for (int t = 0; t < n; ++t, sums = sums.after(1)) {
        store(sums.out, add_input(load(sums.in), first, rows[t].x + k));
        store(sums.out + kLanes, add_input(load(sums.in + kLanes), second, rows[t].x + k));
      }
    }
    end_segment(pair_sums(y, begin == 0), acc, n);
  }
}

// w = fma(float(q), s, b) for one input and each row of the block.
template <int Input>
MOEBIUS_INLINE F32 decode(const Bytes& codes, const Scales& w) {
  return fma(code_of_input<Input>(codes), w.s, w.b);
}
MOEBIUS_INLINE FourInputs decode_four(const Bytes& codes, const Scales& w) {
  return {decode<0>(codes, w), decode<1>(codes, w), decode<2>(codes, w), decode<3>(codes, w)};
}

template <class Format, int Unit>
static void decoded_row(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  F32 total = zero();
  F32 acc = zero();
  for_each_unit<Format, Unit>(
      block, w, {.gap = w.gap, .to_second = 0},
      [&](const uint8_t* unit, int k, const Scales& scales) MOEBIUS_INLINE_LAMBDA {
        UnitCodes<Format, Unit> codes = {unit, {}, {}};
        for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
          acc = decode_four(codes.template of_set<Set>(), scales).add_to(acc, rows->x + k + 4 * Set);
        });
      },
      [&](int) MOEBIUS_INLINE_LAMBDA {
        total = add(total, acc);
        acc = zero();
      });
  store(y, total);
}

template <class Format, int Unit>
static void decoded_pair(float* y, const BlockPair& blocks, const MatrixView& w, const ActivationRow* rows, int n) {
  alignas(64) float acc[kMaxRows * kPairLanes];
  const int64_t to_second = blocks.second - blocks.first;
  for_each_unit<Format, Unit>(
      blocks.first, w, {.gap = to_second, .to_second = to_second},
      [&](const uint8_t* unit, int k, const Scales& scales) MOEBIUS_INLINE_LAMBDA {
        const Scales second_scales = scales_of<Format, Unit>(unit + to_second, k, w);
        UnitCodes<Format, Unit> codes = {unit, {}, {}};
        UnitCodes<Format, Unit> second_codes = {unit + to_second, {}, {}};
        for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
          const FourInputs first = decode_four(codes.template of_set<Set>(), scales);
          const FourInputs second = decode_four(second_codes.template of_set<Set>(), second_scales);
          add_four(pair_sums(acc, Set == 0 && k % kSegment == 0), first, second, rows, k + 4 * Set, n);
        });
      },
      [&](int k) MOEBIUS_INLINE_LAMBDA { end_segment(pair_sums(y, k <= kSegment), acc, n); });
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
