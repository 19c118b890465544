// Reads what stands outside of thinking: text and calls of tools, in both dialects. Closing tags that a model doubles
// or leaves out change nothing. xml_call.h and json_call.h know what a call looks like inside. What thinking is, and
// where it begins and ends, is not decided here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reply/json_call.h"
#include "reply/reply_event.h"
#include "reply/reply_text.h"
#include "reply/tag_lexer.h"
#include "reply/tool_schema.h"
#include "reply/xml_call.h"

namespace moebius::internal {

class ContentReader {
 public:
  enum class Calls : uint8_t {
    kNone,     // tags of calls are text
    kAny,      // a call is one whatever tool it names
    kOfTools,  // a call is one only when it names a tool and is written without stray text
  };
  struct Rules {
    Calls calls = Calls::kNone;
    std::string id_prefix;
    const ToolTypes* types = nullptr;
  };

  // Rules and events must outlive the reader.
  ContentReader(const Rules& rules, EventList& events) : rules_(&rules), events_(&events) {}
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  [[nodiscard]] Tags tags() const;  // the tags that are looked for
  // Takes a lexeme. Returns false when it left the lexeme, or the rest of it, to its next state: call it again then.
  bool parse(Lexeme& lexeme);
  void finish(ReplyEnd end);

  // Tells whether text is read, and no call or what may become one.
  [[nodiscard]] bool is_in_text() const { return state_ == State::kText; }
  // Tells whether what the lexer held back at the end of the reply is dropped: a call that was cut off in a tag has no
  // use for that part of a tag.
  [[nodiscard]] bool drops_at_end(const Lexeme& held) const;
  [[nodiscard]] bool has_only_calls() const { return text_.is_empty() && !xml_.has_stray_text(); }
  ReplyText& text() { return text_; }

 private:
  enum class State : uint8_t {
    kText,
    kOpened,  // behind <tool_call>: a call if its beginning follows, otherwise text
    kBare,    // behind <function=A TOOL> without <tool_call>: a call if it goes on as one
    kXmlCall,
    kJsonCall,
    kBehindCall,  // closing tags are still part of the call
  };

  // The functions for the states return whether the lexeme is used up.
  bool parse_text(const Lexeme& lexeme);
  bool parse_tag_in_text(const Lexeme& lexeme);
  bool parse_opened(Lexeme& lexeme);
  bool parse_bare(Lexeme& lexeme);
  bool parse_xml(Lexeme& lexeme);
  bool parse_json(Lexeme& lexeme);
  bool parse_behind(const Lexeme& lexeme);
  bool parse_blanks(Lexeme& lexeme);
  [[nodiscard]] bool is_orphan(const Lexeme& call_close) const;
  [[nodiscard]] bool may_call(std::string_view tool) const;
  void start_call(const std::string& name);
  void start_xml(const std::string& name);
  void end_call();
  void finish_json(ReplyEnd end);
  void restore_text(std::string_view text, int open_tags);

  const Rules* rules_;
  EventList* events_;
  State state_ = State::kText;
  ReplyText text_{{ReplyEvent::Kind::kContent, " \t\r\n"}, *events_};
  XmlCall xml_{*rules_->types, *events_};
  JsonBlock json_;
  std::string opening_;  // what kOpened and kBare hold back
  std::string bare_name_;
  int open_tags_ = 0;  // <tool_call>s that are text: as many </tool_call>s are text too
};

}  // namespace moebius::internal
