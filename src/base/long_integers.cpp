// Looks at every 309th byte, because no integer of 309 digits lies between two of them.
#include "base/long_integers.h"

namespace moebius::internal {
namespace {

constexpr size_t kMinDigits = 309;
constexpr size_t kMaxDigits = 4300;  // also keeps the work small that comparing and printing one integer is

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

LongIntegers::LongIntegers(std::string_view json) : json_(json) {
  for (size_t at = kMinDigits - 1; at < json.size(); at += kMinDigits) {
    if (!is_digit(json[at])) continue;
    const std::string_view digits = digits_around(at);
    at = offset(digits) + digits.size();
    if (digits.size() < kMinDigits || digits.size() > kMaxDigits) continue;
    const std::string_view integer = integer_of(digits);
    if (!integer.empty() && !is_in_string(offset(integer))) hide(integer);
  }
}

std::string_view LongIntegers::digits_around(size_t at) const {
  size_t begin = at;
  size_t end = at + 1;
  while (begin > 0 && is_digit(json_[begin - 1])) --begin;
  while (end < json_.size() && is_digit(json_[end])) ++end;
  return json_.substr(begin, end - begin);
}

// Returns the digits with their minus, or nothing when they are a part of another number or no JSON.
std::string_view LongIntegers::integer_of(std::string_view digits) const {
  constexpr std::string_view kOtherParts = "+-.eE";
  size_t begin = offset(digits);
  const size_t end = begin + digits.size();
  if (begin > 0 && json_[begin - 1] == '-') --begin;
  const bool goes_on = end < json_.size() && kOtherParts.find(json_[end]) != kOtherParts.npos;
  const bool began_before = begin > 0 && kOtherParts.find(json_[begin - 1]) != kOtherParts.npos;
  if (goes_on || began_before || digits.starts_with('0')) return {};
  return json_.substr(begin, end - begin);
}

bool LongIntegers::is_in_string(size_t at) {
  for (; quotes_end_ < at; ++quotes_end_) {
    if (json_[quotes_end_] == '"') is_in_string_ = !is_in_string_;
    if (json_[quotes_end_] == '\\' && is_in_string_) ++quotes_end_;
  }
  return is_in_string_;
}

void LongIntegers::hide(std::string_view integer) {
  if (integers_.empty()) masked_ = json_;
  integers_.push_back(integer);
  masked_.replace(offset(integer), integer.size(), integer.size(), ' ');
  masked_[offset(integer)] = '0';
}

std::optional<std::string_view> LongIntegers::take(uint64_t position) {
  if (taken_ == integers_.size() || position <= offset(integers_[taken_])) return std::nullopt;
  return integers_[taken_++];
}

}  // namespace moebius::internal
