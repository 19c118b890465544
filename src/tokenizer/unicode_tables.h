// Where the `tokenizers` wheel and Debian's Unicode libraries disagree, as ranges of code points. The .cpp is
// generated; tools/make_unicode_tables.py says how and why. char_classes.h makes one lookup of all of it.
#pragma once

#include <span>

namespace moebius::internal {

struct CodeRange {
  char32_t first;
  char32_t last;
};

// \p{L}, \p{M} and \p{N} beyond Unicode 14.
std::span<const CodeRange> letters_since_14();
std::span<const CodeRange> marks_since_14();
std::span<const CodeRange> numbers_since_14();
// What is part of a word beside an added token with single_word, beyond the letters, marks, decimal digits, letter
// numbers and connector punctuation of Unicode 14.
std::span<const CodeRange> words_beyond_14();
// All of \s.
std::span<const CodeRange> white_space();
// Code points that NFC replaces, moves, or joins to what stands before. Text without them is NFC.
std::span<const CodeRange> nfc_active();

}  // namespace moebius::internal
