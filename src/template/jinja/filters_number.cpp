// Filters that make numbers.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "template/jinja/filters.h"
#include "template/jinja/numbers.h"
#include "template/jinja/operators.h"

namespace moebius::internal::jinja {
namespace {

[[noreturn]] void refuse_undefined(const Runtime& runtime) { runtime.fail("an undefined value is not a number"); }

// int(float). Returns nothing for nan and infinities, which int() refuses.
std::optional<Value> truncated(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (!(std::fabs(value) < 9223372036854775808.0)) return BigInteger{digits_of(value)};
  return static_cast<int64_t>(value);
}

std::optional<Value> integer_from(const Runtime& runtime, const Value& value, int base) {
  if (value.big_integer() != nullptr) return value;
  if (value.is<int64_t>() || value.is<bool>()) return integer_of(runtime, value, "a number");
  if (const auto* real = value.get<double>()) return truncated(*real);
  const Text* text = value.text();
  if (text == nullptr) return std::nullopt;
  ParsedInteger parsed = parse_integer(text->text, base);
  if (parsed.value) return *parsed.value;
  if (!parsed.digits.empty()) return BigInteger{std::move(parsed.digits)};
  if (parsed.error == NumberError::kOverflow) refuse_big_integer(runtime);
  const std::optional<double> real = parse_float(text->text);  // "42.9" is 42
  return real ? truncated(*real) : std::nullopt;
}

Value to_int(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [otherwise, base] = arguments.bind(runtime, std::array<std::string_view, 2>{"default", "base"});
  if (self.is_undefined()) refuse_undefined(runtime);
  const int64_t digits = base == nullptr ? 10 : integer_of(runtime, *base, "a base");
  if (digits != 0 && (digits < 2 || digits > 36)) runtime.fail("a base is 0 or from 2 to 36");
  if (self.text() != nullptr) runtime.budget.bytes(self.text()->text.size());
  if (auto number = integer_from(runtime, self, static_cast<int>(digits))) return *std::move(number);
  return otherwise == nullptr ? Value(int64_t{0}) : *otherwise;
}

Value to_float(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [otherwise] = arguments.bind(runtime, std::array<std::string_view, 1>{"default"});
  if (self.is_undefined()) refuse_undefined(runtime);
  if (const auto* real = self.get<double>()) return *real;
  if (const BigInteger* big = self.big_integer()) return float_of_integer(big->digits);
  if (self.is<int64_t>() || self.is<bool>()) return static_cast<double>(integer_of(runtime, self, "a number"));
  if (const Text* text = self.text()) {
    runtime.budget.bytes(text->text.size());
    if (const auto real = parse_float(text->text)) return *real;
  }
  return otherwise == nullptr ? Value(0.0) : *otherwise;
}

Value absolute(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  if (const auto* real = self.get<double>()) return std::fabs(*real);
  if (const BigInteger* big = self.big_integer()) return big->digits.starts_with('-') ? negate(runtime, self) : self;
  const int64_t number = integer_of(runtime, self, "what abs takes");
  return number < 0 ? negate(runtime, number) : Value(number);
}

// Python's round(x, n): the decimal that is nearest to the exact value of the float. Of two it is the even one.
double rounded(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 330) return value;
  if (precision < -330) return std::copysign(0.0, value);
  if (precision >= 0) {
    const std::string digits = fmt::format("{:.{}f}", value, precision);
    double result = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), result);
    return result;
  }
  const double unit = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / unit) * unit;
}

// An integer is rounded only to tens, hundreds and so on.
Value rounded_integer(const Runtime& runtime, int64_t value, int64_t precision) {
  if (precision >= 0) return value;
  if (precision < -18) return int64_t{0};
  int64_t unit = 1;
  for (int64_t i = precision; i < 0; ++i) unit *= 10;
  int64_t quotient = value / unit;
  const int64_t rest = std::abs(value % unit);
  if (rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0)) quotient += value < 0 ? -1 : 1;
  int64_t result = 0;
  if (__builtin_mul_overflow(quotient, unit, &result)) refuse_big_integer(runtime);
  return result;
}

Value round(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [digits, method] = arguments.bind(runtime, std::array<std::string_view, 2>{"precision", "method"});
  const int64_t precision = digits == nullptr ? 0 : integer_of(runtime, *digits, "a precision");
  const std::string how = method == nullptr ? "common" : text_of(runtime, *method, "a method").text;
  if (self.big_integer() != nullptr && how == "common" && precision >= 0) return self;
  const auto* real = self.get<double>();
  const int64_t integer = real == nullptr ? integer_of(runtime, self, "what round takes") : 0;
  if (how == "common") {
    return real != nullptr ? Value(rounded(*real, precision)) : rounded_integer(runtime, integer, precision);
  }
  if (how != "ceil" && how != "floor") runtime.fail("round() knows the methods common, ceil and floor");
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = (real != nullptr ? *real : static_cast<double>(integer)) * unit;
  if (!std::isfinite(scaled) || unit == 0) runtime.fail("a number is too large to round");
  return (how == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit;
}

constexpr Builtin kFilters[] = {{"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round}};

}  // namespace

std::span<const Builtin> number_filters() { return kFilters; }

}  // namespace moebius::internal::jinja
