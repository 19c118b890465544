// int("...") and float("...").
#include "template/jinja/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "template/jinja/text.h"

namespace moebius::internal::jinja {
namespace {

constexpr size_t kMaxDigits = 4300;  // of an integer that Python reads from text

std::string_view trimmed(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = code_point_at(text, 0);
    if (!is_space(point.value)) break;
    text.remove_prefix(point.length);
  }
  while (!text.empty()) {
    const size_t last = previous_code_point(text, text.size());
    if (!is_space(code_point_at(text, last).value)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Removes underscores. Returns nothing when one does not stand between two digits.
std::optional<std::string> without_underscores(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      out.push_back(digits[i]);
    } else if (i == 0 || i + 1 == digits.size() || !is_alphanumeric(digits[i - 1]) || !is_alphanumeric(digits[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

bool take_sign(std::string_view& text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  return is_negative;
}

// Removes the prefix that the base allows, and returns the base. When the base is 0, the prefix tells it.
int base_of(std::string_view& text, int base) {
  constexpr std::pair<char, int> kPrefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
  for (const auto& [letter, value] : kPrefixes) {
    const bool has_prefix = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == letter;
    if (!has_prefix || (base != 0 && base != value)) continue;
    text.remove_prefix(text[2] == '_' ? 3 : 2);
    return value;
  }
  return base == 0 ? 10 : base;
}

// The digits of a number other than zero without the zeros that lead them.
std::string without_zeros(std::string digits) {
  const size_t begin = digits.starts_with('-') ? 1 : 0;
  return digits.erase(begin, digits.find_first_not_of('0', begin) - begin);
}

}  // namespace

ParsedInteger parse_integer(std::string_view text, int base) {
  text = trimmed(text);
  const bool is_negative = take_sign(text);
  const bool may_have_prefix = base == 0;
  const int actual = base_of(text, base);
  const bool is_zero_led = may_have_prefix && actual == 10 && text.size() > 1 && text[0] == '0';
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || !is_alphanumeric((*digits)[0])) return {};
  const std::string whole = is_negative ? "-" + *digits : *digits;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value, actual);
  if (end != whole.data() + whole.size()) return {};
  if (error == std::errc::result_out_of_range && digits->size() <= kMaxDigits) {
    return {std::nullopt, NumberError::kOverflow, actual == 10 && !is_zero_led ? without_zeros(whole) : ""};
  }
  if (error != std::errc() || (is_zero_led && value != 0)) return {};
  return {value};
}

std::optional<double> parse_float(std::string_view text) {
  text = trimmed(text);
  const bool is_negative = take_sign(text);
  const auto digits = without_underscores(text);
  // from_chars would take a second sign, and "nan(...)".
  if (!digits || digits->empty() || (*digits)[0] == '-' || digits->find('(') != std::string::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (end != digits->data() + digits->size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const size_t exponent = digits->find_first_of("eE");
    const bool is_tiny = (exponent != std::string::npos && (*digits)[exponent + 1] == '-') || digits->starts_with("0.");
    value = is_tiny ? 0.0 : HUGE_VAL;
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return is_negative ? -value : value;
}

std::strong_ordering compare_integers(std::string_view a, std::string_view b) {
  const bool is_negative = a.starts_with('-');
  if (is_negative != b.starts_with('-'))
    return is_negative ? std::strong_ordering::less : std::strong_ordering::greater;
  if (is_negative) std::swap(a, b);
  return a.size() != b.size() ? a.size() <=> b.size() : a <=> b;
}

double float_of_integer(std::string_view digits) {
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc()) return value;
  return digits.starts_with('-') ? -HUGE_VAL : HUGE_VAL;
}

std::string digits_of(double finite) { return fmt::format("{:.0f}", std::trunc(finite)); }

}  // namespace moebius::internal::jinja
