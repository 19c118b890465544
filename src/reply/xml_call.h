// One call in the XML form, from behind <function=NAME> to its end. Values are not escaped, so a value may contain the
// very tags that end it. xml_call.cpp has the rules that tell an end from a quotation.
#pragma once

#include <string>

#include "reply/argument_writer.h"
#include "reply/reply_event.h"
#include "reply/tag_lexer.h"
#include "reply/tool_schema.h"

namespace moebius::internal {

class XmlCall {
 public:
  enum class Progress {
    kContinues,
    kEnded,        // the call ended with this lexeme
    kEndedBefore,  // this lexeme, or the text that is left in it, is not part of the call
  };

  XmlCall(const ToolTypes& types, EventList& events) : types_(&types), writer_(events) {}

  void begin(const std::string& function);
  Progress parse(Lexeme& lexeme);
  void finish();  // the reply ends inside the call

  // Tells whether closing tags wait for what follows them.
  [[nodiscard]] bool is_closing() const { return !closing_.text.empty(); }
  // Tells whether these closing tags, if the reply ends here, are the end of the call and not of a value alone.
  [[nodiscard]] bool has_end() const;
  // Tells whether text stood where the arguments have no place for it.
  [[nodiscard]] bool has_stray_text() const { return has_stray_text_; }

 private:
  // Closing tags in their order, with blanks between and behind them; each may be missing or written again. They are
  // the end of the value if what follows agrees.
  struct Closing {
    std::string text;            // as written
    size_t tags_end = 0;         // where the blanks behind the last tag begin
    int kinds = 0;               // of tags
    bool has_parameter = false;  // begins with </parameter>
    bool is_certain = false;     // has a </tool_call> that was written as one token
    Tag last = Tag::kParameterClose;
  };

  Progress parse_outside(const Lexeme& lexeme);
  void open_parameter(const Lexeme& lexeme);
  Progress parse_text(Lexeme& lexeme);
  void parse_closer(const Lexeme& lexeme);
  void parse_parameter(const Lexeme& lexeme);
  Progress parse_call(Lexeme& lexeme);
  void reopen();
  void end_value();
  Progress end(Progress progress);

  const ToolTypes* types_;
  ArgumentWriter writer_;
  std::string function_;
  bool is_in_value_ = false;
  bool is_quoting_ = false;  // the value contains the beginning of a call
  bool has_stray_text_ = false;
  Closing closing_;
};

}  // namespace moebius::internal
