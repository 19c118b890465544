// Cuts a reply into tags and the text between them, at the same places however it arrives. What may still become a tag
// is held back until it is one or cannot be one. A tag has a '<' only at its front, so nothing is ever read twice. The
// parser decides what a tag means where it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

enum class Tag : uint8_t {
  kThinkOpen,
  kThinkClose,
  kCallOpen,        // <tool_call>
  kCallClose,       // </tool_call>
  kFunctionOpen,    // <function=NAME>
  kFunctionClose,   // </function>
  kParameterOpen,   // <parameter=NAME>
  kParameterClose,  // </parameter>
  kNone,            // text
};

// Returns the tag of a token's text. Only four tags are tokens: <think>, </think>, <tool_call> and </tool_call>.
std::optional<Tag> tag_of_token(std::string_view text);
// Returns the tag as it is written: "<function=" for a tag with a name, "" for kNone.
std::string_view text_of(Tag tag);

struct Lexeme {
  Tag tag = Tag::kNone;
  std::string text;      // as the model wrote it
  std::string name;      // the NAME of kFunctionOpen and kParameterOpen
  bool certain = false;  // the model wrote the tag as one token
};

// The tags that are looked for in one place of a reply: a set of these.
enum class Tags : uint8_t {
  kThink = 1,     // think tags
  kCall = 2,      // <tool_call>, </tool_call>
  kFunction = 4,  // <function=NAME>, </function>, <parameter=NAME>
  kEnds = 8,  // ends of a call and its parts, also when malformed: </parameter/>, </function1>, </tool_call and a blank
};
constexpr Tags operator|(Tags a, Tags b) {
  return static_cast<Tags>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}

class TagLexer {
 public:
  // Takes the next lexeme off the front of `text`. Returns none when it needs more text; `text` is empty then.
  std::optional<Lexeme> next(std::string_view& text, Tags tags);

  // Returns what was held back. It is for when no more text comes, or when a tag follows that is known by its token. A
  // closing tag that lacks nothing but its '>' is a tag.
  std::optional<Lexeme> flush();

  [[nodiscard]] uint64_t steps() const { return steps_; }  // bytes looked at, so far: a measure of the work

 private:
  enum class Match : uint8_t { kMore, kDone, kDoneBefore, kFailed };

  Match extend(char c);
  Match extend_literal(char c);
  [[nodiscard]] Match extend_name(char c) const;
  [[nodiscard]] Match extend_closer(char c) const;
  Lexeme read_tag();
  Lexeme read_text();

  std::string held_;    // empty, or '<' and what followed
  uint32_t alive_ = 0;  // the patterns that begin with held_, one bit each
  int matched_ = -1;    // the pattern whose literal is complete
  uint64_t steps_ = 0;
};

}  // namespace moebius::internal
