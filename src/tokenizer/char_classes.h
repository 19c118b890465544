// What the tokenizer asks of a code point: letter, mark, number, white space, line break, of interest to NFC, part of a
// word. One lookup answers all of it, from the tables of the `tokenizers` wheel (unicode_tables.h). char_at() and
// char_before() read UTF-8 that is known to be valid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace moebius::internal {

using CharClass = uint8_t;  // a sum of the constants below
constexpr CharClass kLetter = 1;
constexpr CharClass kMark = 2;
constexpr CharClass kNumber = 4;
constexpr CharClass kSpace = 8;
constexpr CharClass kLineBreak = 16;  // \r and \n, besides kSpace
constexpr CharClass kNfcActive = 32;  // NFC may replace or move it, or join it to what stands before
constexpr CharClass kWord = 64;       // letters, marks, some numbers and punctuation: what single_word looks at

class CharClasses {
 public:
  // Returns the table. The first call makes it, which takes some milliseconds.
  static const CharClasses& get();

  [[nodiscard]] CharClass of(char32_t code) const { return pages_[page_of_[code >> 8U]][code & 0xffU]; }

 private:
  CharClasses();

  using Page = std::array<CharClass, 256>;
  std::vector<Page> pages_;  // distinct pages: some two hundred, which stay in the cache
  std::array<uint16_t, 0x1100> page_of_{};
};

struct Char {
  char32_t code;
  uint32_t bytes;
};

// Returns the character at text[at]. The text is valid UTF-8, and at < text.size().
inline Char char_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const auto tail = [&](size_t i) { return static_cast<char32_t>(byte(i) & 0x3fU); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {((first & 0x1fU) << 6U) | tail(1), 2};
  if (first < 0xf0) return {((first & 0x0fU) << 12U) | (tail(1) << 6U) | tail(2), 3};
  return {((first & 0x07U) << 18U) | (tail(1) << 12U) | (tail(2) << 6U) | tail(3), 4};
}

// Returns the character that ends at text[end]. The text is valid UTF-8, and 0 < end <= text.size().
inline Char char_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while ((static_cast<uint8_t>(text[at]) & 0xc0U) == 0x80) --at;
  return char_at(text, at);
}

}  // namespace moebius::internal
