// Arithmetic on numbers that come from files. An overflow gives nullopt and never wraps around. No other file may use
// raw * and + on parsed sizes.
#pragma once

#include <cstdint>
#include <optional>

namespace moebius::internal {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// div_up and round_up are for counts that the program itself made and that cannot overflow.
constexpr int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return div_up(a, b) * b; }

}  // namespace moebius::internal
