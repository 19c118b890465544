// Quantized weights times int8 activations (N4). For few rows of activations, memory is the limit: the kernel takes one
// block after another as they stream from memory, and keeps the codes in registers. For many rows, the dot products and
// their operands are the limit: the kernel takes two blocks at once. A loaded activation then serves both blocks, and
// the codes of a unit are unpacked between the dot products of the unit before it.
#pragma once

#include "backend/cpu/kernels/codes.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// The sums of one row of activations, one sum for each place (layout.h). If products would overflow, or if codes are
// looked up, all codes are at place 0.
template <class Format, int Number = Format::kPlaced ? last_place_number(Format::kBits) : 0>
struct PlacedDots {
  static constexpr int kBits = Format::kBits;
  Dot<Format::kLargestCode> sum;
  PlacedDots<Format, Number - 1> lower;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const int8_t* q) {
    if constexpr (!Format::kPlaced || place_number(kBits, Set) == Number) {
      sum.template accumulate<Set>(codes, q);
    } else {
      lower.template accumulate<Set>(codes, q);
    }
  }
  MOEBIUS_INLINE_MEMBER I32 total() {
    if constexpr (Number == 0) {
      return sum.total();
    } else {
      return add(shift_right_arithmetic<place_of(kBits, Number)>(sum.total()), lower.total());
    }
  }
};
template <class Format>
struct PlacedDots<Format, -1> {};

// acc = fma(a, fma(s, float(d), b * float(z)), acc) (N4).
template <int Unit>
MOEBIUS_INLINE F32 add_scaled(F32 acc, I32 d, const Scales& w, const ActivationRow& row, int k) {
  const F32 z = set1(Unit == 64 ? row.sum64[k / Unit] : row.sum32[k / Unit]);
  const F32 a = set1(row.scale[k / kQuantBlock]);
  return fma(a, fma(w.s, to_float(d), mul(w.b, z)), acc);
}

// ---- few rows

// The sums of N rows of activations. They are nested members, because g++ 12 stores an array of vectors to the stack
// after every step (measured: 4 times as slow).
template <class Format, int N>
struct RowSums {
  PlacedDots<Format> dots;
  F32 acc = zero(), total = zero();
  RowSums<Format, N - 1> others;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const ActivationRow* rows, int k) {
    dots.template accumulate<Set>(codes, rows->q + k + 4 * Set);
    others.template accumulate<Set>(codes, rows + 1, k);
  }
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void end_unit(const Scales& w, const ActivationRow* rows, int k) {
    acc = add_scaled<Unit>(acc, dots.total(), w, *rows, k);
    dots = {};
    others.template end_unit<Unit>(w, rows + 1, k);
  }
  MOEBIUS_INLINE_MEMBER void end_segment() {
    total = add(total, acc);
    acc = zero();
    others.end_segment();
  }
  MOEBIUS_INLINE_MEMBER void store_to(float* y) const {
    store(y, total);
    others.store_to(y + kPairLanes);
  }
};
template <class Format>
struct RowSums<Format, 0> {
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes&, const ActivationRow*, int) {}
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void end_unit(const Scales&, const ActivationRow*, int) {}
  MOEBIUS_INLINE_MEMBER void end_segment() {}
  MOEBIUS_INLINE_MEMBER void store_to(float*) const {}
};

// One block times N rows of activations: fills one half of y [N][2][16].
template <class Format, int Unit, int N>
static void int8_block(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  RowSums<Format, N> sums;
  for_each_unit<Format, Unit>(
      block, w, {.gap = w.gap, .to_second = 0},
      [&](const uint8_t* unit, int k, const Scales& scales) MOEBIUS_INLINE_LAMBDA {
        UnitCodes<Format, Unit> codes = {unit, {}, {}};
        for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
          constexpr int kPlace = Format::kPlaced ? place_of(Format::kBits, place_number(Format::kBits, Set)) : 0;
          sums.template accumulate<Set>(codes.template of_set<Set, kPlace>(), rows, k);
        });
        sums.template end_unit<Unit>(scales, rows, k);
      },
      [&](int) MOEBIUS_INLINE_LAMBDA { sums.end_segment(); });
  sums.store_to(y);
}

// ---- many rows

// The unpacked codes of one unit of both blocks: one vector for each set.
template <int Unit>
struct alignas(64) PairCodes {
  uint8_t first[Unit / 4 * 64];
  uint8_t second[Unit / 4 * 64];
};

// Unpacks a unit set by set.
template <class Format, int Unit>
struct Unpacker {
  UnitCodes<Format, Unit> unit;
  uint8_t* unpacked;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void unpack() {
    store_bytes(unpacked + 64 * Set, unit.template of_set<Set>());
  }
};

// One unit of a pair of blocks, ready to be multiplied with rows of activations.
template <int Unit>
struct PairUnit {
  const PairCodes<Unit>& codes;
  Scales first, second;
  int k;  // first input of the unit
};

// The sums of N rows of activations with two blocks.
template <class Format, int N>
struct PairDots {
  Dot<Format::kLargestCode> first, second;
  PairDots<Format, N - 1> others;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& a, const Bytes& b, const int8_t* const* q) {
    first.template accumulate<Set>(a, q[0] + 4 * Set);
    second.template accumulate<Set>(b, q[0] + 4 * Set);
    others.template accumulate<Set>(a, b, q + 1);
  }
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(const PairSums& acc, const PairUnit<Unit>& unit, const ActivationRow* rows) {
    store(acc.out, add_scaled<Unit>(load(acc.in), first.total(), unit.first, *rows, unit.k));
    store(acc.out + kLanes, add_scaled<Unit>(load(acc.in + kLanes), second.total(), unit.second, *rows, unit.k));
    others.add_to(acc.after(1), unit, rows + 1);
  }
};
template <class Format>
struct PairDots<Format, 0> {
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes&, const Bytes&, const int8_t* const*) {}
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(const PairSums&, const PairUnit<Unit>&, const ActivationRow*) {}
};

// Multiplies N rows of activations with one unit. If `Unpack` is set, it also unpacks the next unit of one block,
// between the dot products.
template <class Format, int Unit, int N, bool Unpack>
MOEBIUS_INLINE void add_group(const PairSums& acc, const PairUnit<Unit>& unit, const ActivationRow* rows,
                              uint8_t* unpacked, const uint8_t* next) {
  Unpacker<Format, Unit> unpacker = {{next, {}, {}}, unpacked};
  const int8_t* q[N];
  for (int t = 0; t < N; ++t) q[t] = rows[t].q + unit.k;
  const PairCodes<Unit>* codes = &unit.codes;
  asm volatile("" : "+r"(codes));  // keeps g++ from loading a unit's codes before the loop over rows and spilling them
  PairDots<Format, N> dots;
  for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
    dots.template accumulate<Set>(load_bytes(codes->first + 64 * Set), load_bytes(codes->second + 64 * Set), q);
    if constexpr (Unpack) unpacker.template unpack<Set>();
  });
  dots.add_to(acc, unit, rows);
}

// Multiplies the last n < N rows of activations with one unit.
template <class Format, int Unit, int N, bool Unpack>
MOEBIUS_INLINE void add_rest(const PairSums& acc, const PairUnit<Unit>& unit, const ActivationRow* rows, int n,
                             uint8_t* unpacked, const uint8_t* next) {
  if constexpr (N > 1) {
    if (n == N - 1) {
      add_group<Format, Unit, N - 1, Unpack>(acc, unit, rows, unpacked, next);
    } else {
      add_rest<Format, Unit, N - 1, Unpack>(acc, unit, rows, n, unpacked, next);
    }
  }
}

// Multiplies up to kRowsAtOnce of `n` rows of activations with one unit. Returns how many it took.
template <class Format, int Unit, bool Unpack>
MOEBIUS_INLINE int add_rows(const PairSums& acc, const PairUnit<Unit>& unit, const ActivationRow* rows, int n,
                            uint8_t* unpacked, const uint8_t* next) {
  if (n < kRowsAtOnce) {
    add_rest<Format, Unit, kRowsAtOnce, Unpack>(acc, unit, rows, n, unpacked, next);
    return n;
  }
  add_group<Format, Unit, kRowsAtOnce, Unpack>(acc, unit, rows, unpacked, next);
  return kRowsAtOnce;
}

// A pair of blocks times n > kRowsAtOnce rows of activations: y [n][2][16]. There are at least two calls of add_rows a
// unit, and each of the first two unpacks the next unit of one block.
template <class Format, int Unit>
static void int8_pair(float* y, const BlockPair& blocks, const MatrixView& w, const ActivationRow* rows, int n) {
  alignas(64) float acc[kMaxRows * kPairLanes];
  PairCodes<Unit> codes[2];
  const int64_t to_second = blocks.second - blocks.first;
  Unpacker<Format, Unit> first = {{blocks.first, {}, {}}, codes[0].first};
  Unpacker<Format, Unit> second = {{blocks.second, {}, {}}, codes[0].second};
  for_each_set<Unit / 4>([&]<int Set>() MOEBIUS_INLINE_LAMBDA {
    first.template unpack<Set>();
    second.template unpack<Set>();
  });
  for_each_unit<Format, Unit>(
      blocks.first, w, {.gap = to_second, .to_second = to_second},
      [&](const uint8_t* unit, int k, const Scales& scales) MOEBIUS_INLINE_LAMBDA {
        const PairUnit<Unit> pair = {codes[k / Unit % 2], scales, scales_of<Format, Unit>(unit + to_second, k, w), k};
        PairCodes<Unit>& unpacked = codes[(k / Unit + 1) % 2];
        const uint8_t* next = next_unit<Format, Unit>(unit, k, w);
        const PairSums sums = pair_sums(acc, k % kSegment == 0);
        int t = add_rows<Format, Unit, true>(sums, pair, rows, n, unpacked.first, next);
        t += add_rows<Format, Unit, true>(sums.after(t), pair, rows + t, n - t, unpacked.second, next + to_second);
        while (t < n) t += add_rows<Format, Unit, false>(sums.after(t), pair, rows + t, n - t, nullptr, nullptr);
      },
      [&](int k) MOEBIUS_INLINE_LAMBDA { end_segment(pair_sums(y, k <= kSegment), acc, n); });
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
