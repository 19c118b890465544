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

// The tags that are looked for in one place of a reply.
enum class Tags : uint8_t {
  kThink,    // think tags
  kJson,     // <tool_call>, </tool_call>
  kContent,  // think tags and <tool_call>, </tool_call>
  kXml,      // those of kContent, <function=NAME>, </function> and <parameter=NAME>
  kXmlCall,  // all of a call; closing tags also when malformed: </parameter/>, </parameter1>, </parameter and a blank
};

class TagLexer {
 public:
  // Takes the next lexeme off the front of `text`. Returns none when it needs more text; `text` is empty then.
  std::optional<Lexeme> next(std::string_view& text, Tags tags);

  // Returns what was held back. It is for when no more text comes, or when a tag follows that is known by its token. A
  // closing tag that lacks nothing but its '>' is a tag.
  std::optional<Lexeme> flush();
  [[nodiscard]] bool holds_part_of_tag() const { return held_.size() > 2; }  // more than "<" or "</"

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
