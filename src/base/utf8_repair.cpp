// Finds and replaces bytes that are not UTF-8.
#include "base/utf8_repair.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "base/quote.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

size_t ascii_end(std::string_view text, size_t at) {
  for (uint64_t word = 0; text.size() - at >= sizeof(word); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    if ((word & 0x8080808080808080U) != 0) break;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

// Tells whether the part is a character of which only the end is missing.
bool is_beginning(std::string_view part) {
  const auto first = static_cast<uint8_t>(part.front());
  const size_t wanted = first < 0xc2 || first > 0xf4 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (part.size() >= wanted) return false;
  // The fillers are the smallest and the largest continuation byte. If any continuation completes the part, one of
  // these does.
  for (const char filler : {'\x80', '\xbf'}) {
    std::string candidate(part);
    candidate.resize(wanted, filler);
    if (utf8_length(candidate, 0) == wanted) return true;
  }
  return false;
}

// No character begins at text[at]. Returns how many bytes from there one U+FFFD replaces: the longest beginning of a
// character, or one byte.
size_t broken_length(std::string_view text, size_t at) {
  for (size_t length = 3; length > 1; --length) {
    if (length <= text.size() - at && is_beginning(text.substr(at, length))) return length;
  }
  return 1;
}

}  // namespace

size_t first_invalid_utf8(std::string_view text) {
  size_t at = ascii_end(text, 0);
  while (at < text.size()) {
    const size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at = length == 1 ? ascii_end(text, at) : at + length;
  }
  return at;
}

size_t unfinished_utf8_bytes(std::string_view text) {
  for (size_t length = std::min<size_t>(3, text.size()); length > 0; --length) {
    if (is_beginning(text.substr(text.size() - length))) return length;
  }
  return 0;
}

MarkedText repaired_utf8(const MarkedView& marked) {
  MarkedBuilder out(marked.user);
  for (size_t at = 0; at < marked.text.size();) {
    const size_t valid = first_invalid_utf8(marked.text.substr(at));
    out.copy(marked.text.substr(at, valid), at);
    at += valid;
    if (at == marked.text.size()) break;
    const size_t broken = broken_length(marked.text, at);
    out.replace(kReplacement, at, at + broken);
    at += broken;
  }
  return out.finish();
}

std::string Utf8Repair::feed(std::string_view bytes) {
  held_ += bytes;
  const size_t ready = held_.size() - unfinished_utf8_bytes(held_);
  std::string text = repaired_utf8({std::string_view(held_).substr(0, ready), {}}).text;
  held_.erase(0, ready);
  return text;
}

std::string Utf8Repair::finish() { return repaired_utf8({std::exchange(held_, {}), {}}).text; }

}  // namespace moebius::internal
