// Each alternative of a pattern is one `if`, in the pattern's order; the pattern stands above it. W stands for the word
// class: \p{L}, or [\p{L}\p{M}].
#include "tokenizer/scanners.h"

namespace moebius::internal {
namespace {

// Walks over characters and knows the class of the current one; at the end it has none.
class Cursor {
 public:
  Cursor(std::string_view text, size_t at) : text_(text), at_(at) { look(); }

  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char32_t code() const { return char_.code; }
  [[nodiscard]] bool is(CharClass any) const { return (class_ & any) != 0; }
  [[nodiscard]] bool is_other(CharClass than) const { return !at_end() && (class_ & than) == 0; }

  void next() {
    at_ += char_.bytes;
    look();
  }
  void skip(CharClass any) {
    while (is(any)) next();
  }
  void skip_other(CharClass than) {
    while (is_other(than)) next();
  }

 private:
  void look() {
    if (at_end()) {
      char_ = {0, 0};
      class_ = 0;
    } else {
      char_ = char_at(text_, at_);
      class_ = classes_->of(char_.code);
    }
  }

  const CharClasses* classes_ = &CharClasses::get();
  std::string_view text_;
  size_t at_;
  Char char_{};
  CharClass class_ = 0;
};

constexpr char32_t kLongS = 0x17f;  // the one letter outside ASCII that folds to one of s, t, r, v, m, l, d, e

char32_t folded(char32_t code) {
  if (code == kLongS) return 's';
  return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
}

// The end of 's|'t|'re|'ve|'m|'ll|'d, or `at` when there is none. Fold maps a letter before it is compared.
template <typename Fold>
size_t contraction_end(std::string_view text, size_t at, const Fold& fold) {
  if (text[at] != '\'') return at;
  Cursor cursor(text, at + 1);
  const char32_t first = fold(cursor.code());
  if (cursor.at_end()) return at;
  cursor.next();
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return cursor.at();
  const char32_t second = fold(cursor.code());
  const bool is_pair = ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
  if (!is_pair) return at;
  cursor.next();
  return cursor.at();
}

// The end of \s+(?!\S)|\s+. The last white space before a word belongs to the word, unless it is alone.
size_t space_end(std::string_view text, size_t at) {
  Cursor cursor(text, at);
  size_t last = at;
  while (cursor.is(kSpace)) {
    last = cursor.at();
    cursor.next();
  }
  return cursor.at_end() || last == at ? cursor.at() : last;
}

// The end of \s*[\r\n]+: behind the last line break of the white space that begins here, or `at` when it has none.
size_t line_break_end(std::string_view text, size_t at) {
  size_t end = at;
  for (Cursor cursor(text, at); cursor.is(kSpace);) {
    const bool is_break = cursor.is(kLineBreak);
    cursor.next();
    if (is_break) end = cursor.at();
  }
  return end;
}

}  // namespace

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?W+|\p{N}{1,n}| ?[^\sW\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t word_piece_end(std::string_view text, size_t at, const WordRules& rules) {
  if (const size_t end = contraction_end(text, at, folded); end != at) return end;

  Cursor cursor(text, at);
  const bool begins_word = cursor.is(rules.word);
  const bool may_precede = !cursor.is(kLineBreak | kLetter | kNumber);
  const bool is_number = cursor.is(kNumber);
  const bool is_symbol = cursor.is_other(kSpace | kNumber | rules.word);
  const bool is_blank = cursor.code() == ' ';
  cursor.next();
  if (begins_word || (may_precede && cursor.is(rules.word))) {
    cursor.skip(rules.word);
    return cursor.at();
  }
  if (is_number) {
    for (int digits = 1; digits < rules.number_digits && cursor.is(kNumber); ++digits) cursor.next();
    return cursor.at();
  }
  if (is_symbol || (is_blank && cursor.is_other(kSpace | kNumber | rules.word))) {
    cursor.skip_other(kSpace | kNumber | rules.word);
    cursor.skip(kLineBreak);
    return cursor.at();
  }
  const size_t end = line_break_end(text, at);
  return end != at ? end : space_end(text, at);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2_piece_end(std::string_view text, size_t at) {
  const auto as_it_is = [](char32_t code) { return code; };
  if (const size_t end = contraction_end(text, at, as_it_is); end != at) return end;

  Cursor cursor(text, at);
  if (cursor.code() == ' ') cursor.next();
  for (const CharClass run : {kLetter, kNumber}) {
    if (!cursor.is(run)) continue;
    cursor.skip(run);
    return cursor.at();
  }
  if (cursor.is_other(kSpace | kLetter | kNumber)) {
    cursor.skip_other(kSpace | kLetter | kNumber);
    return cursor.at();
  }
  return space_end(text, at);
}

}  // namespace moebius::internal
