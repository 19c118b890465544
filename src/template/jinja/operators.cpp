// + - * / // % ** and the signs.
#include "template/jinja/operators.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <variant>

#include "template/jinja/markup.h"
#include "template/jinja/numbers.h"

namespace moebius::internal::jinja {
namespace {

struct Number {
  bool is_integer = true;
  bool is_big = false;  // an integer that does not fit `integer`
  int64_t integer = 0;
  double real = 0;  // the value, also of an integer
};

std::optional<Number> number_of(const Value& value) {
  if (const auto* boolean = value.get<bool>())
    return Number{.integer = *boolean, .real = static_cast<double>(*boolean)};
  if (const auto* integer = value.get<int64_t>())
    return Number{.integer = *integer, .real = static_cast<double>(*integer)};
  if (const BigInteger* big = value.big_integer()) return Number{.is_big = true, .real = float_of_integer(big->digits)};
  if (const auto* real = value.get<double>()) return Number{.is_integer = false, .real = *real};
  return std::nullopt;
}

constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};

[[noreturn]] void refuse(const Runtime& runtime, Operator op, const Value& a, const Value& b) {
  runtime.fail(fmt::format("cannot compute {} {} {}", type_name(a), kSymbols[static_cast<int>(op)], type_name(b)));
}

int64_t floor_divide(const Runtime& runtime, int64_t a, int64_t b) {
  if (b == 0) runtime.fail("division by zero");
  if (a == INT64_MIN && b == -1) refuse_big_integer(runtime);
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t modulo(const Runtime& runtime, int64_t a, int64_t b) {
  if (b == 0) runtime.fail("division by zero");
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double modulo(const Runtime& runtime, double a, double b) {
  if (b == 0) runtime.fail("division by zero");
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_divide(const Runtime& runtime, double a, double b) {
  const double rest = modulo(runtime, a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double down = std::floor(quotient);
  return quotient - down > 0.5 ? down + 1 : down;
}

Value integer_power(const Runtime& runtime, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) runtime.fail("zero to a negative power");
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) refuse_big_integer(runtime);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) refuse_big_integer(runtime);
  }
  return result;
}

Value real_power(const Runtime& runtime, double base, double exponent) {
  if (base == 0 && exponent < 0) runtime.fail("zero to a negative power");
  if (base < 0 && std::isfinite(base) && std::floor(exponent) != exponent) runtime.fail("a power that is not real");
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) runtime.fail("a power beyond floats");
  return result;
}

Value integer_result(const Runtime& runtime, Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool has_overflow = false;
  switch (op) {
    case Operator::kAdd:
      has_overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Operator::kSubtract:
      has_overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Operator::kMultiply:
      has_overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Operator::kFloorDivide:
      return floor_divide(runtime, a, b);
    case Operator::kModulo:
      return modulo(runtime, a, b);
    case Operator::kPower:
      return integer_power(runtime, a, b);
    case Operator::kDivide:
      if (b == 0) runtime.fail("division by zero");
      return static_cast<double>(a) / static_cast<double>(b);
  }
  if (has_overflow) refuse_big_integer(runtime);
  return result;
}

Value real_result(const Runtime& runtime, Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return a + b;
    case Operator::kSubtract:
      return a - b;
    case Operator::kMultiply:
      return a * b;
    case Operator::kFloorDivide:
      return floor_divide(runtime, a, b);
    case Operator::kModulo:
      return modulo(runtime, a, b);
    case Operator::kPower:
      return real_power(runtime, a, b);
    case Operator::kDivide:
      break;
  }
  if (b == 0) runtime.fail("division by zero");
  return a / b;
}

Value concatenate(Runtime& runtime, const Text& a, const Text& b) {
  TextBuilder out(runtime.budget);
  const bool is_markup = a.is_markup || b.is_markup;
  out.add(is_markup ? escaped(runtime.budget, a) : a);
  out.add(is_markup ? escaped(runtime.budget, b) : b);
  return is_markup ? as_markup(runtime.budget, out.take()) : out.take();
}

Value concatenate(Runtime& runtime, const Sequence& a, const Sequence& b) {
  runtime.budget.elements(a.items.size() + b.items.size());
  std::vector<Value> items;
  items.reserve(a.items.size() + b.items.size());
  items.insert(items.end(), a.items.begin(), a.items.end());
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_sequence(a.form, std::move(items));
}

Value repeat(Runtime& runtime, const Text& text, int64_t count) {
  TextBuilder out(runtime.budget);
  if (text.text.empty()) count = 0;
  if (count > 0) runtime.budget.check_text(std::min<uint64_t>(count, UINT32_MAX) * text.text.size());
  for (int64_t i = 0; i < count; ++i) out.add(text);
  return text.is_markup ? as_markup(runtime.budget, out.take()) : out.take();
}

Value repeat(Runtime& runtime, const Sequence& sequence, int64_t count) {
  if (sequence.items.empty() || count < 0) count = 0;
  runtime.budget.elements(std::min<uint64_t>(count, UINT32_MAX) * sequence.items.size());
  std::vector<Value> items;
  for (int64_t i = 0; i < count; ++i) items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  return make_sequence(sequence.form, std::move(items));
}

bool is_list_or_tuple(const Value& value) {
  return value.sequence() != nullptr &&
         (value.sequence()->form == Form::kList || value.sequence()->form == Form::kTuple);
}

// Returns `value * count`, or nothing when the value cannot be repeated or the count is no integer.
std::optional<Value> repetition(Runtime& runtime, const Value& value, const Value& count) {
  const auto number = number_of(count);
  if (!number || !number->is_integer) return std::nullopt;
  if (number->is_big) refuse_big_integer(runtime);
  if (value.text() != nullptr) return repeat(runtime, *value.text(), number->integer);
  if (is_list_or_tuple(value)) return repeat(runtime, *value.sequence(), number->integer);
  return std::nullopt;
}

}  // namespace

Value binary(Runtime& runtime, Operator op, const Value& a, const Value& b) {
  const auto x = number_of(a);
  const auto y = number_of(b);
  if (x && y) {
    if (x->is_integer && y->is_integer) {
      if (x->is_big || y->is_big) refuse_big_integer(runtime);
      return integer_result(runtime, op, x->integer, y->integer);
    }
    return real_result(runtime, op, x->real, y->real);
  }
  if (op == Operator::kModulo && a.text() != nullptr) return percent_format(runtime, *a.text(), b);
  if (op == Operator::kAdd) {
    if (a.text() != nullptr && b.text() != nullptr) return concatenate(runtime, *a.text(), *b.text());
    if (is_list_or_tuple(a) && is_list_or_tuple(b) && a.sequence()->form == b.sequence()->form) {
      return concatenate(runtime, *a.sequence(), *b.sequence());
    }
  }
  if (op == Operator::kMultiply) {
    if (auto result = repetition(runtime, a, b)) return *std::move(result);
    if (auto result = repetition(runtime, b, a)) return *std::move(result);
  }
  refuse(runtime, op, a, b);
}

Value negate(Runtime& runtime, const Value& value) {
  const auto number = number_of(value);
  if (!number) runtime.fail(fmt::format("cannot negate {}", type_name(value)));
  if (const BigInteger* big = value.big_integer()) {
    return BigInteger{big->digits.starts_with('-') ? big->digits.substr(1) : "-" + big->digits};
  }
  if (!number->is_integer) return -number->real;
  if (number->integer == INT64_MIN) return BigInteger{"9223372036854775808"};
  return -number->integer;
}

Value plus(Runtime& runtime, const Value& value) {
  const auto number = number_of(value);
  if (!number) runtime.fail(fmt::format("cannot compute +{}", type_name(value)));
  if (number->is_big) return value;
  return number->is_integer ? Value(number->integer) : Value(number->real);
}

}  // namespace moebius::internal::jinja
