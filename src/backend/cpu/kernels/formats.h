// The formats of quantized weights, as types that the kernels of N2 and N4 take. A format says how a code becomes the
// number that is multiplied, and what lies behind the codes of a tile.
#pragma once

#include "backend/cpu/kernels/layout.h"
#include "backend/cpu/kernels/math.h"
#include "quant/mxfp4.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Reads 16 bytes e as 2^(e - 127). A byte e is the exponent field of a float, except 0, which stands for the subnormal
// 2^-127.
MOEBIUS_INLINE F32 load_e8m0(const uint8_t* p) {
  constexpr int32_t kSmallest = 1 << 22;
  return as_float(max(shift_left<23>(load_u8(p)), set1_int(kSmallest)));
}

MOEBIUS_INLINE F32 load_element(const uint8_t* p, Element element) {
  switch (element) {
    case Element::kBF16:
      return load_bf16(reinterpret_cast<const uint16_t*>(p));
    case Element::kF16:
      return load_f16(reinterpret_cast<const uint16_t*>(p));
    case Element::kE8M0:
      return load_e8m0(p);
    case Element::kF32:
      break;
  }
  return load(reinterpret_cast<const float*>(p));
}
constexpr int element_bytes(Element element) {
  return element == Element::kF32 ? 4 : element == Element::kE8M0 ? 1 : 2;
}

// s and b of N4, one of each for each row of a block.
struct Scales {
  F32 s, b;
};

template <int Bits>
struct Affine {
  static constexpr int kBits = Bits;
  static constexpr int kLargestCode = (1 << Bits) - 1;
  static constexpr bool kPlaced = kPlacedCodes;  // codes may be multiplied at their place (layout.h)

  static MOEBIUS_INLINE_MEMBER Bytes decode(const Bytes& codes) { return codes; }
  static constexpr int scale_bytes(Element element) { return 2 * kLanes * element_bytes(element); }
  static MOEBIUS_INLINE_MEMBER Scales load_scales(const uint8_t* p, Element element) {
    return {load_element(p, element), load_element(p + kLanes * element_bytes(element), element)};
  }
};

struct Mxfp4 {
  static constexpr int kBits = 4;
  static constexpr int kLargestCode = kMxfp4LargestCode;
  static constexpr bool kPlaced = false;  // codes are table indices, so they must stand at place 0

  static MOEBIUS_INLINE_MEMBER Bytes decode(const Bytes& codes) { return lookup(kMxfp4Codes, codes); }
  static constexpr int scale_bytes(Element element) { return kLanes * element_bytes(element); }
  static MOEBIUS_INLINE_MEMBER Scales load_scales(const uint8_t* p, Element) {
    const F32 scale = load_element(p, Element::kE8M0);
    return {mul(scale, set1(kMxfp4ScaleFactor)), mul(scale, set1(kMxfp4BiasFactor))};
  }
};

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
