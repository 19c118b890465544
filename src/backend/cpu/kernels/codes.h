// Packed weights as vectors: how kernels walk through a block and unpack its codes. layout.h draws the layout.
#pragma once

#include "backend/cpu/kernels/formats.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

constexpr int kSegment = 512;  // inputs between two roundings into the result (N2)

// Prefetches a unit and the scales behind it.
template <int Bits, int Unit>
MOEBIUS_INLINE void prefetch_unit(const uint8_t* unit) {
  for (int i = 0; i <= Unit * Bits * 2; i += 64) prefetch(unit + i);
}

// The two blocks that a kernel works on. Their results lie side by side: [n][2][16]. The blocks are neighbours, or one
// is of gate and one of up. If there is only one block, `second` is `first`.
struct BlockPair {
  const uint8_t* first;
  const uint8_t* second;
};
constexpr int kPairLanes = 2 * kLanes;

// The sums of many rows of activations, in memory: [n][2][16]. Sums without terms are read from one row of zeros, so
// that no memory has to be cleared.
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

// y += acc, for n rows of activations.
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

// The stored codes of set `Set` (inputs 4 * Set .. 4 * Set + 3 of a unit) times 2^Place, one byte each.
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

// Unpacks the codes of a unit, set by set in ascending order. Each line is loaded once and kept in a register, because
// g++ would otherwise load it again for every set.
template <class Format, int Unit>
struct UnitCodes {
  const uint8_t* unit;
  Bytes low, high;

  // The codes q of N4 of one set, times 2^Place.
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

// Calls f<set>() for each set.
template <int Sets, int Set = 0, class Function>
MOEBIUS_INLINE void for_each_set(const Function& f) {
  if constexpr (Set < Sets) {
    f.template operator()<Set>();
    for_each_set<Sets, Set + 1>(f);
  }
}

// The number of inputs that share a scale. A unit of 32 inputs is a whole group.
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

// The unit after the one at input k. The last unit is its own next unit.
template <class Format, int Unit>
MOEBIUS_INLINE const uint8_t* next_unit(const uint8_t* unit, int k, const MatrixView& w) {
  if (k + Unit == w.cols) return unit;
  const int scales_between = (k + Unit) % group_of<Unit>(w) == 0 ? Format::scale_bytes(w.element) : 0;
  return unit + Unit * Format::kBits * 2 + scales_between;
}

// Which memory to prefetch. Addresses run kAheadBytes ahead within the block, and then continue in the next block.
struct Ahead {
  int64_t gap;        // bytes from the end of this block to the next block that the kernel reads
  int64_t to_second;  // bytes to a second block that is prefetched in the same way; 0: there is none
};

// Walks through the tiles of a block. Calls f(unit, k, scales) for each unit, where k is the first input of the unit.
// Calls end_of_segment(k) at the end of each segment, where k is the number of inputs so far.
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
