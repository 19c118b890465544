// Builds the table of classes. Letters, marks, numbers and words are those of utf8proc, and those that only the wheel
// knows. White space and NFC come from the wheel alone.
#include "tokenizer/char_classes.h"

#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <span>

#include "tokenizer/unicode_tables.h"

namespace moebius::internal {
namespace {

constexpr size_t kCodes = 0x110000;

CharClass category_class(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kLetter | kWord;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return kMark | kWord;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return kNumber | kWord;
    case UTF8PROC_CATEGORY_NO:
      return kNumber;
    case UTF8PROC_CATEGORY_PC:
      return kWord;
    default:
      return 0;
  }
}

void add(std::vector<CharClass>& classes, std::span<const CodeRange> ranges, CharClass added) {
  for (const CodeRange& range : ranges) {
    for (char32_t code = range.first; code <= range.last; ++code) classes[code] |= added;
  }
}

std::vector<CharClass> all_classes() {
  std::vector<CharClass> classes(kCodes);
  for (char32_t code = 0; code < kCodes; ++code) classes[code] = category_class(code);
  add(classes, letters_since_14(), kLetter);
  add(classes, marks_since_14(), kMark);
  add(classes, numbers_since_14(), kNumber);
  add(classes, words_beyond_14(), kWord);
  add(classes, white_space(), kSpace);
  add(classes, nfc_active(), kNfcActive);
  classes['\r'] |= kLineBreak;
  classes['\n'] |= kLineBreak;
  return classes;
}

}  // namespace

CharClasses::CharClasses() {
  const std::vector<CharClass> classes = all_classes();
  std::map<Page, uint16_t> known;
  for (size_t number = 0; number < page_of_.size(); ++number) {
    Page page;
    std::copy_n(classes.begin() + static_cast<ptrdiff_t>(number * page.size()), page.size(), page.begin());
    const auto [found, is_new] = known.emplace(page, static_cast<uint16_t>(pages_.size()));
    if (is_new) pages_.push_back(page);
    page_of_[number] = found->second;
  }
}

const CharClasses& CharClasses::get() {
  static const CharClasses classes;
  return classes;
}

}  // namespace moebius::internal
