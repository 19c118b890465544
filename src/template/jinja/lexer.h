// Turns source text into tokens, as jinja2 cuts it with trim_blocks and lstrip_blocks on: the newline behind a block
// tag and the blanks before it on its line are not text. The parser sees no comments, no raw blocks and no line endings
// but \n.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal::jinja {

enum class TokenKind {
  kText,
  kBlockBegin,
  kBlockEnd,
  kPrintBegin,
  kPrintEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kSymbol,
  kEnd
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;  // a string unescaped, a number as written
  int64_t integer = 0;
  double real = 0;
};

class Lexer {
 public:
  // where: the template, for messages.
  Lexer(std::string_view source, std::string where);

  Token next();

  [[noreturn]] void fail(int line, const std::string& what) const;  // kBadTemplate

 private:
  enum class State { kText, kBlock, kPrint };

  Token text_token();
  Token take_opening();
  void skip_comment();
  std::string raw_block();
  [[nodiscard]] size_t behind_word(size_t at, std::string_view word) const;
  void strip_before_tag(std::string& text) const;

  Token tag_token();
  bool at_tag_end();
  void close_block_tag();
  Token name();
  Token number();
  Token string();
  Token symbol();
  void balance(char symbol);

  [[nodiscard]] Token make(TokenKind kind, std::string text = "") const;
  [[nodiscard]] std::string_view rest() const { return std::string_view(source_).substr(at_); }
  [[nodiscard]] bool sees(std::string_view words) const { return rest().starts_with(words); }
  [[nodiscard]] char peek(size_t offset = 0) const {
    return at_ + offset < source_.size() ? source_[at_ + offset] : '\0';
  }
  [[nodiscard]] size_t behind_space(size_t at) const;
  void advance(size_t bytes);
  void skip_space() { advance(behind_space(at_) - at_); }

  std::string where_;
  std::string source_;  // line endings are \n
  size_t at_ = 0;
  int line_ = 1;
  State state_ = State::kText;
  bool starts_line_ = true;     // what was read last ended with a newline
  std::vector<char> open_;      // the brackets that close what is open
  std::vector<Token> opening_;  // the begin of a tag that waits behind the text before it; at most one
};

// Returns the value of a string literal between its quotes, as Python's unicode-escape reads it. Throws a std::string
// that says what is wrong with it.
std::string unescape(std::string_view literal);

}  // namespace moebius::internal::jinja
