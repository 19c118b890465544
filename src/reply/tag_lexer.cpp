// Tags are literals, and some of them have a tail. A set of bits tells which of them still fit what is held.
#include "reply/tag_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace moebius::internal {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxJunkBytes = 16;

enum class Tail : uint8_t { kNone, kName, kJunk };

struct Pattern {
  std::string_view literal;
  Tag tag;
  Tail tail;
};

constexpr std::array kPatterns = {
    Pattern{"<think>", Tag::kThinkOpen, Tail::kNone},         Pattern{"</think>", Tag::kThinkClose, Tail::kNone},
    Pattern{"<tool_call>", Tag::kCallOpen, Tail::kNone},      Pattern{"</tool_call>", Tag::kCallClose, Tail::kNone},
    Pattern{"<function=", Tag::kFunctionOpen, Tail::kName},   Pattern{"</function>", Tag::kFunctionClose, Tail::kNone},
    Pattern{"<parameter=", Tag::kParameterOpen, Tail::kName}, Pattern{"</tool_call", Tag::kCallClose, Tail::kJunk},
    Pattern{"</function", Tag::kFunctionClose, Tail::kJunk},  Pattern{"</parameter", Tag::kParameterClose, Tail::kJunk},
};

// The patterns of each set, one bit each, in the order of kPatterns. An end that may be malformed is matched before
// the whole literal is read, so it takes the place of the exact one.
uint32_t patterns_of(Tags tags) {
  constexpr uint32_t kSets[] = {0b00'0000'0011, 0b00'0000'1100, 0b00'0111'0000, 0b11'1000'0000};
  uint32_t patterns = 0;
  for (size_t i = 0; i < std::size(kSets); ++i) {
    if ((static_cast<uint32_t>(tags) >> i & 1) != 0) patterns |= kSets[i];
  }
  return patterns;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_junk(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/';
}

}  // namespace

std::optional<Tag> tag_of_token(std::string_view text) {
  for (const Pattern& pattern : kPatterns) {
    const bool is_token = pattern.tag <= Tag::kCallClose && pattern.tail == Tail::kNone;
    if (is_token && pattern.literal == text) return pattern.tag;
  }
  return std::nullopt;
}

std::string_view text_of(Tag tag) {
  const auto* const pattern = std::ranges::find(kPatterns, tag, &Pattern::tag);
  return pattern == kPatterns.end() ? std::string_view() : pattern->literal;
}

std::optional<Lexeme> TagLexer::next(std::string_view& text, Tags tags) {
  if (text.empty()) return std::nullopt;
  if (held_.empty()) {
    if (const size_t plain = std::min(text.find('<'), text.size()); plain > 0) {
      steps_ += plain;
      Lexeme lexeme{Tag::kNone, std::string(text.substr(0, plain)), {}};
      text.remove_prefix(plain);
      return lexeme;
    }
    alive_ = patterns_of(tags);
  }
  while (!text.empty()) {
    ++steps_;
    const Match match = extend(text.front());
    if (match == Match::kMore || match == Match::kDone) {
      held_ += text.front();
      text.remove_prefix(1);
    }
    if (match == Match::kFailed) return read_text();
    if (match != Match::kMore) return read_tag();
  }
  return std::nullopt;
}

std::optional<Lexeme> TagLexer::flush() {
  if (held_.empty()) return std::nullopt;
  const bool is_closer = matched_ >= 0 && kPatterns[matched_].tail == Tail::kJunk;
  return is_closer ? read_tag() : read_text();
}

TagLexer::Match TagLexer::extend(char c) {
  if (matched_ < 0) return extend_literal(c);
  return kPatterns[matched_].tail == Tail::kName ? extend_name(c) : extend_closer(c);
}

TagLexer::Match TagLexer::extend_literal(char c) {
  for (size_t i = 0; i < kPatterns.size(); ++i) {
    const std::string_view literal = kPatterns[i].literal;
    if ((alive_ >> i & 1) == 0) continue;
    if (literal[held_.size()] != c) {
      alive_ &= ~(uint32_t{1} << i);
    } else if (held_.size() + 1 == literal.size()) {
      matched_ = static_cast<int>(i);
      return kPatterns[i].tail == Tail::kNone ? Match::kDone : Match::kMore;
    }
  }
  return alive_ == 0 ? Match::kFailed : Match::kMore;
}

// A name has no blanks and no angle brackets; a line break ends it as '>' does.
TagLexer::Match TagLexer::extend_name(char c) const {
  const size_t name_bytes = held_.size() - kPatterns[matched_].literal.size();
  if (c == '>' || c == '\n') return name_bytes == 0 ? Match::kFailed : c == '>' ? Match::kDone : Match::kDoneBefore;
  return is_blank(c) || c == '<' || name_bytes == kMaxNameBytes ? Match::kFailed : Match::kMore;
}

TagLexer::Match TagLexer::extend_closer(char c) const {
  const size_t junk_bytes = held_.size() - kPatterns[matched_].literal.size();
  if (c == '>') return Match::kDone;
  if (junk_bytes == 0 && (is_blank(c) || c == '<')) return Match::kDoneBefore;
  return is_junk(c) && junk_bytes < kMaxJunkBytes ? Match::kMore : Match::kFailed;
}

Lexeme TagLexer::read_tag() {
  const Pattern& pattern = kPatterns[std::exchange(matched_, -1)];
  Lexeme lexeme{pattern.tag, std::exchange(held_, {}), {}};
  if (pattern.tail == Tail::kName) {
    const size_t ending = lexeme.text.ends_with('>') ? 1 : 0;
    const size_t begin = pattern.literal.size();
    lexeme.name = lexeme.text.substr(begin, lexeme.text.size() - begin - ending);
  }
  return lexeme;
}

Lexeme TagLexer::read_text() {
  matched_ = -1;
  return {Tag::kNone, std::exchange(held_, {}), {}};
}

}  // namespace moebius::internal
