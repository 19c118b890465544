// Escapes of string literals, as Python's unicode-escape codec has them.
#include <fmt/format.h>

#include <algorithm>

#include "template/jinja/lexer.h"
#include "template/jinja/text.h"

namespace moebius::internal::jinja {
namespace {

class Unescaper {
 public:
  explicit Unescaper(std::string_view literal) : literal_(literal) {}

  std::string run() {
    while (at_ < literal_.size()) {
      const size_t slash = std::min(literal_.find('\\', at_), literal_.size());
      out_ += literal_.substr(at_, slash - at_);
      at_ = slash + 1;
      if (slash < literal_.size()) escape();
    }
    return std::move(out_);
  }

 private:
  void escape() {
    constexpr std::string_view kLetters = "abfnrtv\\'\"";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    const char letter = literal_[at_];
    if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
      out_.push_back(kValues[known]);
      ++at_;
    } else if (letter == '\n') {
      ++at_;
    } else if (letter >= '0' && letter <= '7') {
      octal();
    } else if (letter == 'x' || letter == 'u' || letter == 'U') {
      ++at_;
      hexadecimal(letter == 'x' ? 2 : letter == 'u' ? 4 : 8);
    } else if (letter == 'N') {
      throw std::string("\\N{...} in a string is not supported");
    } else if (static_cast<unsigned char>(letter) >= 0x80) {
      beyond_ascii();
    } else {
      out_ += {'\\', letter};
      ++at_;
    }
  }

  void octal() {
    char32_t value = 0;
    for (int digits = 0; digits < 3 && at_ < literal_.size() && literal_[at_] >= '0' && literal_[at_] <= '7';
         ++digits) {
      value = value * 8 + static_cast<char32_t>(literal_[at_++] - '0');
    }
    append_code_point(out_, value);
  }

  void hexadecimal(size_t digits) {
    char32_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const char digit = at_ < literal_.size() ? literal_[at_] : '\0';
      const char letter = static_cast<char>(digit | 0x20);
      const bool is_letter = letter >= 'a' && letter <= 'f';
      if (!is_letter && (digit < '0' || digit > '9')) throw std::string("an escape in a string is cut off");
      value = value * 16 + static_cast<char32_t>(is_letter ? letter - 'a' + 10 : digit - '0');
      if (value > 0x10ffff) throw std::string("an escape in a string is beyond U+10FFFF");
    }
    if (value >= 0xd800 && value < 0xe000) throw std::string("an escape in a string is half of a surrogate pair");
    append_code_point(out_, value);
  }

  // jinja2 escapes what is not ASCII before it unescapes, so that a backslash in front of it quotes the escape.
  void beyond_ascii() {
    const CodePoint point = code_point_at(literal_, at_);
    const auto code = static_cast<uint32_t>(point.value);
    out_ += code < 0x100     ? fmt::format("\\x{:02x}", code)
            : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                             : fmt::format("\\U{:08x}", code);
    at_ += point.length;
  }

  std::string_view literal_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string unescape(std::string_view literal) { return Unescaper(literal).run(); }

}  // namespace moebius::internal::jinja
