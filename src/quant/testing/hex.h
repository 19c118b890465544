// For tests: bytes as text.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace moebius::internal::testing {

inline std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[std::to_integer<int>(b) >> 4], kDigits[std::to_integer<int>(b) & 15], ' '};
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace moebius::internal::testing
