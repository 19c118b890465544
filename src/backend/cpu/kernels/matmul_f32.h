// Weights times f32 activations (N2): dense ones as they are, affine ones decoded on the way (router, shared gate,
// in_proj_a, in_proj_b). One row keeps its sums in registers; many keep them in memory, and four inputs of weights
// serve all rows.
#pragma once

#include "backend/cpu/kernels/codes.h"

namespace moebius::cpu::MOEBIUS_ISA {

template <Element E>
MOEBIUS_INLINE F32 dense_weight(const uint8_t* block, int k) {
  return load_element(block + int64_t{k} * kLanes * element_bytes(E), E);
}

MOEBIUS_INLINE F32 add_input(F32 acc, F32 weight, const float* x) { return fma(weight, set1(*x), acc); }

// acc [n][16] += the weights of inputs k .. k + 3, ascending.
MOEBIUS_INLINE void add_four(float* acc, F32 w0, F32 w1, F32 w2, F32 w3, const ActivationRow* rows, int k, int n) {
  for (int t = 0; t < n; ++t, acc += kLanes) {
    const float* x = rows[t].x + k;
    const F32 first_two = add_input(add_input(load(acc), w0, x), w1, x + 1);
    store(acc, add_input(add_input(first_two, w2, x + 2), w3, x + 3));
  }
}

template <Element E>
static void dense_row(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int) {
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
static void dense_rows(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int n) {
  alignas(64) float acc[kMostRows * kLanes];
  clear(y, n);
  clear(acc, n);
  for (int k = 0; k < w.cols;) {
    const int end = k + kSegment < w.cols ? k + kSegment : w.cols;
    for (; k + 4 <= end; k += 4) {
      add_four(acc, dense_weight<E>(block, k), dense_weight<E>(block, k + 1), dense_weight<E>(block, k + 2),
               dense_weight<E>(block, k + 3), rows, k, n);
    }
    for (; k < end; ++k) {
      const F32 weight = dense_weight<E>(block, k);
      for (int t = 0; t < n; ++t) store(acc + t * kLanes, add_input(load(acc + t * kLanes), weight, rows[t].x + k));
    }
    end_segment(y, acc, n);
  }
}

// w = fma(float(q), s, b) of one input of each row.
template <int Input>
MOEBIUS_INLINE F32 decode(const Bytes& codes, F32 s, F32 b) {
  return fma(code_of_input<Input>(codes), s, b);
}

template <int Bits, int Unit>
static void decoded_row(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int) {
  F32 total = zero();
  F32 acc = zero();
  for_each_unit<Bits, Unit>(
      block, w,
      [&](const uint8_t* unit, int k, F32 s, F32 b) MOEBIUS_INLINE_LAMBDA {
        UnitCodes<Bits, Unit>(unit).for_each([&]<int Set>(const Bytes& codes) MOEBIUS_INLINE_LAMBDA {
          const float* x = rows->x + k + 4 * Set;
          acc = add_input(acc, decode<0>(codes, s, b), x);
          acc = add_input(acc, decode<1>(codes, s, b), x + 1);
          acc = add_input(acc, decode<2>(codes, s, b), x + 2);
          acc = add_input(acc, decode<3>(codes, s, b), x + 3);
        });
      },
      [&]() MOEBIUS_INLINE_LAMBDA {
        total = add(total, acc);
        acc = zero();
      });
  store(y, total);
}

template <int Bits, int Unit>
static void decoded_rows(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int n) {
  alignas(64) float acc[kMostRows * kLanes];
  clear(y, n);
  clear(acc, n);
  for_each_unit<Bits, Unit>(
      block, w,
      [&](const uint8_t* unit, int k, F32 s, F32 b) MOEBIUS_INLINE_LAMBDA {
        UnitCodes<Bits, Unit>(unit).for_each([&]<int Set>(const Bytes& codes) MOEBIUS_INLINE_LAMBDA {
          add_four(acc, decode<0>(codes, s, b), decode<1>(codes, s, b), decode<2>(codes, s, b), decode<3>(codes, s, b),
                   rows, k + 4 * Set, n);
        });
      },
      [&]() MOEBIUS_INLINE_LAMBDA { end_segment(y, acc, n); });
}

}  // namespace moebius::cpu::MOEBIUS_ISA
