// Tests numbers for NaN and infinity.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace moebius::internal {

inline bool all_finite(std::span<const float> values) {
  constexpr uint32_t kInfinityBits = 0x7f800000;  // exponent all ones: infinity, and NaN above it
  uint32_t largest = 0;  // no early exit, so that the loop vectorizes: it runs over every row of logits
  for (const float value : values) largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7fffffffu);
  return largest < kInfinityBits;
}

}  // namespace moebius::internal
