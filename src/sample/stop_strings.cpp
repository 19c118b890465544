// Stop strings: one automaton each, all fed the same bytes.
#include "sample/stop_strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

bool is_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void check_string(const std::string& text) {
  constexpr const char* kField = "stop string";
  if (text.empty() || text.size() > StopStrings::kMaxBytes) {
    throw Error(ErrorCode::kUsage, kField,
                fmt::format("expected 1 to {} bytes, got {}", StopStrings::kMaxBytes, text.size()));
  }
  if (!is_utf8(text)) throw Error(ErrorCode::kUsage, kField, in_quotes(text) + " is not UTF-8");
}

// Returns how much of the pattern the text ends with after one more byte. `matched` is that number before the byte, and
// less than all of the pattern.
size_t advance(std::string_view pattern, const std::vector<uint16_t>& borders, size_t matched, char byte) {
  while (matched > 0 && pattern[matched] != byte) matched = borders[matched];
  return pattern[matched] == byte ? matched + 1 : 0;
}

std::vector<uint16_t> borders_of(std::string_view pattern) {
  std::vector<uint16_t> borders(pattern.size() + 1, 0);
  for (size_t i = 1; i < pattern.size(); ++i) {
    borders[i + 1] = static_cast<uint16_t>(advance(pattern, borders, borders[i], pattern[i]));
  }
  return borders;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> strings) {
  if (strings.size() > kMaxStrings) {
    throw Error(ErrorCode::kUsage, "stop strings",
                fmt::format("expected at most {}, got {}", kMaxStrings, strings.size()));
  }
  for (std::string& text : strings) {
    check_string(text);
    std::vector<uint16_t> borders = borders_of(text);
    patterns_.push_back({std::move(text), std::move(borders)});
  }
}

void StopStrings::feed_byte(char byte) {
  ++bytes_;
  held_.push_back(byte);
  size_t longest = 0;
  for (size_t i = 0; i < patterns_.size(); ++i) {
    Pattern& pattern = patterns_[i];
    pattern.matched = advance(pattern.text, pattern.borders, pattern.matched, byte);
    if (pattern.matched < pattern.text.size() || pattern.matched <= longest) continue;
    longest = pattern.matched;
    match_ = StopMatch{i, bytes_ - longest};
  }
}

std::string StopStrings::feed(std::string_view piece) {
  if (match_) return "";
  for (const char byte : piece) {
    feed_byte(byte);
    if (match_) return hand_out(match_->offset);
  }
  size_t undecided = 0;
  for (const Pattern& pattern : patterns_) undecided = std::max(undecided, pattern.matched);
  return hand_out(bytes_ - undecided);
}

std::string StopStrings::finish() { return match_ ? "" : hand_out(bytes_); }

std::string StopStrings::hand_out(uint64_t end) {
  const uint64_t begin = bytes_ - held_.size();
  std::string text = held_.substr(0, end - begin);
  held_.erase(0, text.size());
  return text;
}

}  // namespace moebius::internal
