// Packed weights as vectors: lanes are the 16 rows of a block. A unit of 32 or 64 inputs is stored in planes of 8, 4, 2
// or 1 bits (layout.h).
#pragma once

#include "backend/cpu/kernels/math.h"
#include "backend/cpu/layout.h"

namespace moebius::cpu::MOEBIUS_ISA {

constexpr int kSegment = 512;  // inputs between two roundings into the result (N2)

MOEBIUS_INLINE F32 load_element(const uint8_t* p, Element element) {
  switch (element) {
    case Element::kBF16:
      return load_bf16(reinterpret_cast<const uint16_t*>(p));
    case Element::kF16:
      return load_f16(reinterpret_cast<const uint16_t*>(p));
    case Element::kF32:
      break;
  }
  return load(reinterpret_cast<const float*>(p));
}
constexpr int element_bytes(Element element) { return element == Element::kF32 ? 4 : 2; }

// Asks for a unit and the scales behind it.
template <int Bits, int Unit>
MOEBIUS_INLINE void prefetch_unit(const uint8_t* unit) {
  for (int i = 0; i <= Unit * Bits * 2; i += 64) prefetch(unit + i);
}

// [n][16] = 0.
MOEBIUS_INLINE void clear(float* y, int n) {
  for (int i = 0; i < n * kLanes; i += kLanes) store(y + i, zero());
}

// y += acc, acc = 0: [n][16].
MOEBIUS_INLINE void end_segment(float* y, float* acc, int n) {
  for (int i = 0; i < n * kLanes; i += kLanes) {
    store(y + i, add(load(y + i), load(acc + i)));
    store(acc + i, zero());
  }
}

// The codes of set `Set` (inputs 4 * Set .. 4 * Set + 3 of a unit) times 2^Place, one byte each.
template <int Bits, int Unit, int Set, int Place = 0>
MOEBIUS_INLINE Bytes codes_of_set(const uint8_t* unit) {
  constexpr int kLow = low_bits(Bits);
  constexpr int kHigh = high_bits(Bits);
  const Bytes low_line = load_bytes(unit + 64 * (Set / low_sets(Bits)));
  if constexpr (kLow == 8) return low_line;
  const Bytes low = mask_bytes(shift_bytes<low_position(Bits, Set) - Place>(low_line), ((1 << kLow) - 1) << Place);
  if constexpr (kHigh == 0) {
    return low;
  } else {
    constexpr int kLowLines = Unit / 4 / low_sets(Bits);
    constexpr int kTarget = Place + kLow;
    const Bytes high_line = load_bytes(unit + 64 * (kLowLines + Set / high_sets(Bits)));
    return mask_or(shift_bytes<high_position(Bits, Set) - kTarget>(high_line), ((1 << kHigh) - 1) << kTarget, low);
  }
}

// f<set>() for each set.
template <int Sets, int Set = 0, class Function>
MOEBIUS_INLINE void for_each_set(const Function& f) {
  if constexpr (Set < Sets) {
    f.template operator()<Set>();
    for_each_set<Sets, Set + 1>(f);
  }
}

// All sets of a unit, unpacked once for the rows that meet them. Nested members: g++ keeps those in registers where it
// stores an array to the stack.
template <int Bits, int Unit, int Set = 0>
struct UnitCodes {
  Bytes set;
  UnitCodes<Bits, Unit, Set + 1> next;

  MOEBIUS_INLINE_MEMBER explicit UnitCodes(const uint8_t* unit)
      : set(codes_of_set<Bits, Unit, Set>(unit)), next(unit) {}
  // f<set>(codes) for each set.
  template <class Function>
  MOEBIUS_INLINE_MEMBER void for_each(const Function& f) const {
    f.template operator()<Set>(set);
    next.for_each(f);
  }
};
template <int Bits, int Unit>
struct UnitCodes<Bits, Unit, Unit / 4> {
  MOEBIUS_INLINE_MEMBER explicit UnitCodes(const uint8_t*) {}
  template <class Function>
  MOEBIUS_INLINE_MEMBER void for_each(const Function&) const {}
};

// Through the tiles of a block: f(unit, k, s, b) for each unit, end_of_segment() where N2 rounds.
template <int Bits, int Unit, class UnitFunction, class SegmentFunction>
MOEBIUS_INLINE void for_each_unit(const uint8_t* tile, const MatrixView& w, const UnitFunction& f,
                                  const SegmentFunction& end_of_segment) {
  const int code_bytes = w.group * Bits * 2;
  const int scale_bytes = kLanes * element_bytes(w.element);
  const uint8_t* end = tile + w.block_bytes - w.gap;
  for (int k = 0; k < w.cols; tile += code_bytes + 2 * scale_bytes) {
    const F32 s = load_element(tile + code_bytes, w.element);
    const F32 b = load_element(tile + code_bytes + scale_bytes, w.element);
    for (int in_tile = 0; in_tile < w.group; in_tile += Unit, k += Unit) {
      const uint8_t* unit = tile + in_tile * Bits * 2;
      const uint8_t* ahead = unit + kAheadBytes;
      prefetch_unit<Bits, Unit>(ahead + (ahead < end ? 0 : w.gap));
      f(unit, k, s, b);
    }
    if (k % kSegment == 0 || k == w.cols) end_of_segment();
  }
}

}  // namespace moebius::cpu::MOEBIUS_ISA
