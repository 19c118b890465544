// Escaping for messages; the rules stand in quote.h.
#include "base/quote.h"

#include <fmt/format.h>

#include <cstdint>

namespace moebius::internal {
namespace {

constexpr size_t kSentenceBytes = 96;

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool is_control(std::string_view text, size_t at, size_t length) {
  const uint8_t first = byte_at(text, at);
  if (length == 1) return first < 0x20 || first == 0x7f;
  return length == 2 && first == 0xc2 && byte_at(text, at + 1) < 0xa0;  // C1: U+0080..U+009F
}

void append_escaped(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    if (length > 0 && !is_control(text, i, length)) {
      out.append(text, i, length);
      i += length;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte_at(text, i));
      ++i;
    }
  }
}

}  // namespace

size_t utf8_length(std::string_view text, size_t at) {
  const uint8_t first = byte_at(text, at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() - at < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = byte_at(text, at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  if (text.size() <= max_bytes) {
    append_escaped(out, text);
  } else {
    append_escaped(out, text.substr(0, max_bytes / 2));
    out += "...";
    append_escaped(out, text.substr(text.size() - max_bytes / 2));
  }
  return out;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text, kSentenceBytes) + '"'; }

}  // namespace moebius::internal
