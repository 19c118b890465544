// Text to numbers, as Python's int() and float() read it.
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

// White space around, a sign, underscores between digits; base 0 reads the prefix 0x, 0o or 0b.
ParsedInteger parse_integer(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);  // also inf, infinity, nan

}  // namespace moebius::internal::jinja
