// One walk over the pattern, which knows only escapes, classes and the openings of groups.
#include "tokenizer/regex_dialect.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "base/quote.h"
#include "moebius/error.h"
#include "tokenizer/unicode_tables.h"

namespace moebius::internal {
namespace {

std::string class_items(std::span<const CodeRange> ranges) {
  std::string items;
  for (const CodeRange& range : ranges) {
    items +=
        fmt::format("\\x{{{:x}}}-\\x{{{:x}}}", static_cast<uint32_t>(range.first), static_cast<uint32_t>(range.last));
  }
  return items;
}

class Translation {
 public:
  Translation(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size()) step();
    if (in_class_) refuse("a class without an end");
    return std::move(out_);
  }

 private:
  void step() {
    const char next = pattern_[at_];
    if (next == '\\') {
      escape();
    } else if (in_class_) {
      inside_class(next);
    } else if (next == '[') {
      open_class();
    } else if (next == '(') {
      open_group();
    } else {
      copy(1);
    }
  }

  void inside_class(char next) {
    if (next == '[' || pattern_.substr(at_, 2) == "&&") refuse("a class within a class");
    if (next == ']') in_class_ = false;
    copy(1);
  }

  void open_class() {
    in_class_ = true;
    copy(pattern_.substr(at_, 2) == "[^" ? 2 : 1);
    if (at_ < pattern_.size() && pattern_[at_] == ']') refuse("a class that begins with ]");
  }

  void open_group() {
    constexpr std::array kOpenings = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (pattern_.substr(at_, 2) != "(?" && pattern_.substr(at_, 2) != "(*") return copy(1);
    for (const std::string_view opening : kOpenings) {
      if (pattern_.substr(at_).starts_with(opening)) return copy(opening.size());
    }
    refuse(in_quotes(pattern_.substr(at_, 4)));
  }

  void escape() {
    const std::string_view name = pattern_.substr(at_, 2);
    if (name == "\\s") return replace(2, class_items(white_space()));
    if (name == "\\S" && !in_class_) return negate(2, class_items(white_space()));
    if (name == "\\p" || name == "\\P") return property();
    constexpr std::string_view kSame = "dDrntf";
    const bool is_sign = name.size() == 2 && name[1] > ' ' && name[1] < 0x7f && !is_word(name[1]);
    if (name.size() < 2 || !(is_sign || kSame.find(name[1]) != std::string_view::npos)) refuse(in_quotes(name));
    copy(2);
  }

  void property() {
    const size_t end = pattern_.find('}', at_);
    if (pattern_.substr(at_ + 2, 1) != "{" || end == std::string_view::npos) refuse("a property without braces");
    const std::string_view text = pattern_.substr(at_, end + 1 - at_);
    const std::string_view name = text.substr(3, text.size() - 4);
    const bool has_more = name == "L" || name == "M" || name == "N";
    if (!has_more) return copy(text.size());
    const std::span<const CodeRange> since = name == "L"   ? letters_since_14()
                                             : name == "M" ? marks_since_14()
                                                           : numbers_since_14();
    const std::string items = fmt::format("\\p{{{}}}", name) + class_items(since);
    if (text[1] == 'p') return replace(text.size(), items);
    if (in_class_) refuse(in_quotes(text) + " within a class");
    negate(text.size(), items);
  }

  void replace(size_t bytes, const std::string& items) { put(bytes, in_class_ ? items : "[" + items + "]"); }
  void negate(size_t bytes, const std::string& items) { put(bytes, "[^" + items + "]"); }
  void copy(size_t bytes) { put(bytes, std::string(pattern_.substr(at_, bytes))); }
  void put(size_t bytes, const std::string& translated) {
    out_ += translated;
    at_ += bytes;
  }

  static bool is_word(char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           letter == '_';
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadTokenizer, where_,
                fmt::format("the pattern has {} at byte {}, which is not supported", what, at_),
                "use the tokenizer.json of the published model");
  }

  std::string_view pattern_;
  std::string where_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

std::string pattern_for_pcre2(std::string_view pattern, const std::string& where) {
  return Translation(pattern, where).run();
}

}  // namespace moebius::internal
