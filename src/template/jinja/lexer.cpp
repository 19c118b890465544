// The two halves of a template: text up to a tag, and the tokens inside of one.
#include "template/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/quote.h"
#include "moebius/error.h"
#include "template/jinja/numbers.h"
#include "template/jinja/text.h"

namespace moebius::internal::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_character(char c) { return is_name_start(c) || is_digit(c); }

// Ends every line with \n. One newline at the end of the file is no text.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t at = 0; at < source.size(); ++at) {
    if (source[at] == '\r' && at + 1 < source.size() && source[at + 1] == '\n') continue;
    out.push_back(source[at] == '\r' ? '\n' : source[at]);
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

// Returns where digits end that single underscores may set apart.
size_t digits_end(std::string_view text, size_t at, bool (*is_one)(char)) {
  while (at < text.size()) {
    if (is_one(text[at])) {
      ++at;
    } else if (text[at] == '_' && at + 1 < text.size() && is_one(text[at + 1])) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

// Returns where the float ends that begins here, or 0 when none does.
size_t float_end(std::string_view text) {
  size_t at = digits_end(text, 0, is_digit);
  bool is_float = false;
  if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
    at = digits_end(text, at + 1, is_digit);
    is_float = true;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const size_t digits = at + (at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-') ? 2 : 1);
    if (digits < text.size() && is_digit(text[digits])) return digits_end(text, digits, is_digit);
  }
  return is_float ? at : 0;
}

size_t integer_end(std::string_view text) {
  if (text[0] != '0') return digits_end(text, 0, is_digit);
  const char letter = text.size() > 1 ? static_cast<char>(text[1] | 0x20) : '\0';
  const auto of_base = [&](char wanted, bool (*is_one)(char)) {
    if (letter != wanted) return size_t{0};
    const size_t end = digits_end(text, 2, is_one);
    return end > 2 ? end : 0;
  };
  const size_t end = std::max({
      of_base('x', [](char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }),
      of_base('o', [](char c) { return c >= '0' && c <= '7'; }),
      of_base('b', [](char c) { return c == '0' || c == '1'; }),
  });
  return end > 0 ? end : digits_end(text, 0, [](char c) { return c == '0'; });
}

}  // namespace

Lexer::Lexer(std::string_view source, std::string where) : where_(std::move(where)), source_(normalized(source)) {}

void Lexer::fail(int line, const std::string& what) const {
  throw Error(ErrorCode::kBadTemplate, fmt::format("{}: line {}", where_, line), what,
              "use a template that Jinja as of transformers accepts");
}

Token Lexer::make(TokenKind kind, std::string text) const { return {kind, line_, std::move(text), 0, 0}; }

void Lexer::advance(size_t bytes) {
  line_ += static_cast<int>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                       source_.begin() + static_cast<ptrdiff_t>(at_ + bytes), '\n'));
  at_ += bytes;
  if (bytes > 0) starts_line_ = source_[at_ - 1] == '\n';
}

size_t Lexer::behind_space(size_t at) const {
  while (at < source_.size()) {
    const CodePoint point = code_point_at(source_, at);
    if (!is_space(point.value)) break;
    at += point.length;
  }
  return at;
}

Token Lexer::take_opening() {
  Token out = std::move(opening_.back());
  opening_.pop_back();
  return out;
}

Token Lexer::next() {
  if (!opening_.empty()) return take_opening();
  return state_ == State::kText ? text_token() : tag_token();
}

// ---- text ----

// Reads the text up to the next tag. Comments and raw blocks on the way are read too.
Token Lexer::text_token() {
  Token text = make(TokenKind::kText);
  while (at_ < source_.size()) {
    size_t open = source_.find('{', at_);
    while (open != std::string::npos && (open + 1 == source_.size() || !strchr("%{#", source_[open + 1]))) {
      open = source_.find('{', open + 1);
    }
    std::string piece = source_.substr(at_, open == std::string::npos ? open : open - at_);
    if (open == std::string::npos) {
      advance(piece.size());
      text.text += piece;
      break;
    }
    const bool was_line_start = starts_line_;
    advance(open - at_);
    starts_line_ = was_line_start;
    strip_before_tag(piece);
    text.text += piece;
    if (sees("{#")) {
      skip_comment();
    } else if (sees("{%") && behind_word(at_, "raw") != 0) {
      text.text += raw_block();
    } else {
      state_ = sees("{%") ? State::kBlock : State::kPrint;
      opening_.push_back(make(state_ == State::kBlock ? TokenKind::kBlockBegin : TokenKind::kPrintBegin));
      advance(peek(2) == '-' || peek(2) == '+' ? 3 : 2);
      break;
    }
  }
  if (!text.text.empty()) return text;
  return opening_.empty() ? make(TokenKind::kEnd) : take_opening();
}

// Takes from the text what the tag at at_ takes away before it. With a minus, that is all white space. Without one, it
// is the blanks of the tag's line when there is nothing else on it, unless the tag prints or has a plus.
void Lexer::strip_before_tag(std::string& text) const {
  const auto is_blank = [](std::string_view words) {
    for (size_t at = 0; at < words.size();) {
      const CodePoint point = code_point_at(words, at);
      if (!is_space(point.value)) return false;
      at += point.length;
    }
    return true;
  };
  if (peek(2) == '-') {
    while (!text.empty()) {
      const size_t last = previous_code_point(text, text.size());
      if (!is_space(code_point_at(text, last).value)) break;
      text.resize(last);
    }
    return;
  }
  if (peek(2) == '+' || sees("{{")) return;
  const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
  if ((line > 0 || starts_line_) && is_blank(std::string_view(text).substr(line))) text.resize(line);
}

void Lexer::skip_comment() {
  const int line = line_;
  const size_t begin = at_ + (peek(2) == '-' || peek(2) == '+' ? 3 : 2);
  const size_t end = source_.find("#}", begin);
  if (end == std::string::npos) fail(line, "a comment is not closed");
  const char sign = end > begin ? source_[end - 1] : '\0';
  advance(end + 2 - at_);
  if (sign == '-') {
    skip_space();
  } else if (sign != '+' && peek() == '\n') {
    advance(1);
  }
}

// Returns the place behind `{% word` and its white space, where the end of the tag must be, or 0 when it is another
// tag.
size_t Lexer::behind_word(size_t at, std::string_view word) const {
  at += 2;
  if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
  at = behind_space(at);
  if (!std::string_view(source_).substr(at).starts_with(word)) return 0;
  at = behind_space(at + word.size());
  const std::string_view rest = std::string_view(source_).substr(at);
  const bool may_keep = word == "endraw" && rest.starts_with("+%}");
  return rest.starts_with("%}") || rest.starts_with("-%}") || may_keep ? at : 0;
}

std::string Lexer::raw_block() {
  const int line = line_;
  advance(behind_word(at_, "raw") - at_);
  const bool strips = peek() == '-';
  advance(strips ? 3 : 2);
  if (strips) skip_space();
  size_t end = source_.find("{%", at_);
  while (end != std::string::npos && behind_word(end, "endraw") == 0) end = source_.find("{%", end + 1);
  if (end == std::string::npos) fail(line, "a raw block is not closed");
  std::string text = source_.substr(at_, end - at_);
  const bool was_line_start = starts_line_;
  advance(end - at_);
  starts_line_ = was_line_start;
  strip_before_tag(text);
  advance(behind_word(at_, "endraw") - at_);
  close_block_tag();
  return text;
}

// ---- tags ----

// `%}` takes one newline with it, `-%}` all white space, `+%}` nothing.
void Lexer::close_block_tag() {
  const char sign = peek();
  advance(sign == '%' ? 2 : 3);
  if (sign == '-') {
    skip_space();
  } else if (sign == '%' && peek() == '\n') {
    advance(1);
  }
}

bool Lexer::at_tag_end() {
  if (!open_.empty()) return false;
  if (state_ == State::kBlock) return sees("%}") || sees("-%}") || sees("+%}");
  return sees("}}") || sees("-}}");
}

Token Lexer::tag_token() {
  skip_space();
  if (at_ == source_.size()) return make(TokenKind::kEnd);
  if (at_tag_end()) {
    const Token end = make(state_ == State::kBlock ? TokenKind::kBlockEnd : TokenKind::kPrintEnd);
    if (state_ == State::kBlock) {
      close_block_tag();
    } else {
      const bool strips = peek() == '-';
      advance(strips ? 3 : 2);
      if (strips) skip_space();
    }
    state_ = State::kText;
    return end;
  }
  if (is_digit(peek())) return number();
  if (is_name_start(peek())) return name();
  if (peek() == '\'' || peek() == '"') return string();
  return symbol();
}

Token Lexer::name() {
  size_t length = 0;
  while (is_name_character(peek(length))) ++length;
  Token out = make(TokenKind::kName, std::string(rest().substr(0, length)));
  advance(length);
  return out;
}

Token Lexer::number() {
  const bool follows_dot = at_ > 0 && source_[at_ - 1] == '.';  // a.0.1 is no float
  size_t length = follows_dot ? 0 : float_end(rest());
  const TokenKind kind = length > 0 ? TokenKind::kFloat : TokenKind::kInteger;
  if (length == 0) length = integer_end(rest());
  Token out = make(kind, std::string(rest().substr(0, length)));
  if (kind == TokenKind::kFloat) {
    out.real = parse_float(out.text).value_or(0);
  } else {
    const ParsedInteger parsed = parse_integer(out.text, 0);
    if (!parsed.value) fail(line_, fmt::format("the integer {} does not fit 64 bits", in_quotes(out.text)));
    out.integer = *parsed.value;
  }
  advance(length);
  return out;
}

Token Lexer::string() {
  size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != source_[at_]) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) fail(line_, "a string is not closed");
  Token out = make(TokenKind::kString);
  try {
    out.text = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
  } catch (const std::string& what) {
    fail(line_, what);
  }
  advance(end + 1 - at_);
  return out;
}

Token Lexer::symbol() {
  constexpr std::string_view kSymbols[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                           "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
  for (const std::string_view symbol : kSymbols) {
    if (!sees(symbol)) continue;
    balance(symbol[0]);
    Token out = make(TokenKind::kSymbol, std::string(symbol));
    advance(symbol.size());
    return out;
  }
  const size_t length = code_point_at(source_, at_).length;
  fail(line_, fmt::format("unexpected character {}", in_quotes(rest().substr(0, length))));
}

void Lexer::balance(char symbol) {
  if (symbol == '{') open_.push_back('}');
  if (symbol == '(') open_.push_back(')');
  if (symbol == '[') open_.push_back(']');
  if (symbol != '}' && symbol != ')' && symbol != ']') return;
  if (open_.empty() || open_.back() != symbol) {
    const std::string expected = open_.empty() ? "none is open" : fmt::format("expected '{}'", open_.back());
    fail(line_, fmt::format("unexpected '{}', {}", symbol, expected));
  }
  open_.pop_back();
}

}  // namespace moebius::internal::jinja
