// Packed weights as vectors: lanes are the 16 rows of a block. A unit of 32 or 64 inputs is stored in planes of 8, 4, 2
// or 1 bits (layout.h).
#pragma once

#include "backend/cpu/kernels/formats.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

constexpr int kSegment = 512;  // inputs between two roundings into the result (N2)

// Asks for a unit and the scales behind it.
template <int Bits, int Unit>
MOEBIUS_INLINE void prefetch_unit(const uint8_t* unit) {
  for (int i = 0; i <= Unit * Bits * 2; i += 64) prefetch(unit + i);
}

// Kernels work on two blocks, whose results lie side by side: [n][2][16]. They are neighbours, or gate and up; where
// there is but one, the second is the first again.
struct BlockPair {
  const uint8_t* first;
  const uint8_t* second;
};
constexpr int kPairLanes = 2 * kLanes;

// Sums of many rows, in memory: [n][2][16]. What has no terms yet is read from one row of zeros: nothing is cleared.
struct PairSums {
  float* out;
  const float* in;
  int in_stride;

  MOEBIUS_INLINE_MEMBER PairSums after(int rows) const {
    return {out + rows * kPairLanes, in + rows * in_stride, in_stride};
  }
};
alignas(64) static constexpr float kNoTerms[kPairLanes] = {};

MOEBIUS_INLINE PairSums pair_sums(float* sums, bool begins) {
  return {sums, begins ? kNoTerms : sums, begins ? 0 : kPairLanes};
}

// y += acc of n rows.
MOEBIUS_INLINE void end_segment(PairSums y, const float* acc, int n) {
  for (int t = 0; t < n; ++t, y = y.after(1), acc += kPairLanes) {
    store(y.out, add(load(y.in), load(acc)));
    store(y.out + kLanes, add(load(y.in + kLanes), load(acc + kLanes)));
  }
}

// The line of each plane that holds a set.
template <int Bits, int Set>
MOEBIUS_INLINE Bytes low_line(const uint8_t* unit) {
  return load_bytes(unit + 64 * (Set / low_sets(Bits)));
}
template <int Bits, int Unit, int Set>
MOEBIUS_INLINE Bytes high_line(const uint8_t* unit) {
  constexpr int kLowLines = Unit / 4 / low_sets(Bits);
  return load_bytes(unit + 64 * (kLowLines + Set / high_sets(Bits)));
}

// The codes of set `Set` (inputs 4 * Set .. 4 * Set + 3 of a unit) times 2^Place, one byte each, as they are stored.
template <int Bits, int Set, int Place>
MOEBIUS_INLINE Bytes stored_codes(const Bytes& low_plane, const Bytes& high_plane) {
  constexpr int kLow = low_bits(Bits);
  constexpr int kHigh = high_bits(Bits);
  if constexpr (kLow == 8) return low_plane;
  const Bytes low = mask_bytes(shift_bytes<low_position(Bits, Set) - Place>(low_plane), ((1 << kLow) - 1) << Place);
  if constexpr (kHigh == 0) {
    return low;
  } else {
    constexpr int kTarget = Place + kLow;
    const Bytes high = shift_bytes<high_position(Bits, Set) - kTarget>(high_plane);
    return mask_or(high, ((1 << kHigh) - 1) << kTarget, low);
  }
}

// The codes of a unit, set by set in ascending order. Each line is loaded once: g++ would load it again for every set.
template <class Format, int Unit>
struct UnitCodes {
  const uint8_t* unit;
  Bytes low, high;

  // q of N4, times 2^Place.
  template <int Set, int Place = 0>
  MOEBIUS_INLINE_MEMBER Bytes of_set() {
    static_assert(Place == 0 || Format::kPlaced);
    constexpr int kBits = Format::kBits;
    if constexpr (Set % low_sets(kBits) == 0) low = in_register(low_line<kBits, Set>(unit));
    if constexpr (high_bits(kBits) > 0 && Set % high_sets(kBits) == 0) {
      high = in_register(high_line<kBits, Unit, Set>(unit));
    }
    return Format::decode(stored_codes<kBits, Set, Place>(low, high));
  }
};

// f<set>() for each set.
template <int Sets, int Set = 0, class Function>
MOEBIUS_INLINE void for_each_set(const Function& f) {
  if constexpr (Set < Sets) {
    f.template operator()<Set>();
    for_each_set<Sets, Set + 1>(f);
  }
}

// Inputs that share a scale: units of 32 inputs are groups.
template <int Unit>
MOEBIUS_INLINE int group_of(const MatrixView& w) {
  return Unit == 32 ? Unit : w.group;
}

// The scales of the unit that begins at input k.
template <class Format, int Unit>
MOEBIUS_INLINE Scales scales_of(const uint8_t* unit, int k, const MatrixView& w) {
  const int group = group_of<Unit>(w);
  return Format::load_scales(unit + (group - k % group) * Format::kBits * 2, w.element);
}

// The unit after the one at input k; the same again when it is the last.
template <class Format, int Unit>
MOEBIUS_INLINE const uint8_t* next_unit(const uint8_t* unit, int k, const MatrixView& w) {
  if (k + Unit == w.cols) return unit;
  const int scales_between = (k + Unit) % group_of<Unit>(w) == 0 ? Format::scale_bytes(w.element) : 0;
  return unit + Unit * Format::kBits * 2 + scales_between;
}

// Which memory to ask for ahead: the block's own, then, `gap` bytes further on, the next one's; and the same
// `to_second` bytes away, unless that is 0.
struct Ahead {
  int64_t gap;
  int64_t to_second;
};

// Through the tiles of a block: f(unit, k, scales) for each unit, end_of_segment(k) where N2 rounds; k: inputs so far.
template <class Format, int Unit, class UnitFunction, class SegmentFunction>
MOEBIUS_INLINE void for_each_unit(const uint8_t* tile, const MatrixView& w, const Ahead& ahead, const UnitFunction& f,
                                  const SegmentFunction& end_of_segment) {
  constexpr int kBits = Format::kBits;
  const int group = group_of<Unit>(w);
  const int code_bytes = group * kBits * 2;
  const int tile_bytes = code_bytes + Format::scale_bytes(w.element);
  const uint8_t* end = tile + w.cols / group * tile_bytes;
  for (int k = 0; k < w.cols; tile += tile_bytes) {
    const Scales scales = Format::load_scales(tile + code_bytes, w.element);
    for (int in_tile = 0; in_tile < group; in_tile += Unit, k += Unit) {
      const uint8_t* unit = tile + in_tile * kBits * 2;
      const uint8_t* asked = unit + kAheadBytes + (unit + kAheadBytes < end ? 0 : ahead.gap);
      prefetch_unit<kBits, Unit>(asked);
      if (ahead.to_second != 0) prefetch_unit<kBits, Unit>(asked + ahead.to_second);
      f(unit, k, scales);
    }
    if (k % kSegment == 0 || k == w.cols) end_of_segment(k);
  }
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
