// Reads numbers from text, as Python's int() and float() do, and compares integers by their digits.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal::jinja {

enum class NumberError { kMalformed, kOverflow };

struct ParsedInteger {
  std::optional<int64_t> value;
  NumberError error = NumberError::kMalformed;
  std::string digits = {};  // of an overflow in base 10, as Python prints the number
};

// Allows white space around, a sign, and underscores between digits. Base 0 reads the prefix 0x, 0o or 0b.
ParsedInteger parse_integer(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);  // also inf, infinity, nan

// The digits are those that Python prints, with a minus before them for a negative number.
std::strong_ordering compare_integers(std::string_view a, std::string_view b);
double float_of_integer(std::string_view digits);  // the nearest, or infinity
std::string digits_of(double finite);              // int() of it

}  // namespace moebius::internal::jinja
