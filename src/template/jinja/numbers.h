// Reads numbers from text, as Python's int() and float() do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace moebius::internal::jinja {

enum class NumberError { kMalformed, kOverflow };

struct ParsedInteger {
  std::optional<int64_t> value;
  NumberError error = NumberError::kMalformed;
};

// Allows white space around, a sign, and underscores between digits. Base 0 reads the prefix 0x, 0o or 0b.
ParsedInteger parse_integer(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);  // also inf, infinity, nan

}  // namespace moebius::internal::jinja
