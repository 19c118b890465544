// One block in the JSON form, from <tool_call> to the end of its object. The block is held back until the object is
// whole, because a block that is no call is given back as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reply/tag_lexer.h"

namespace moebius::internal {

struct JsonCall {
  std::string name;
  std::string arguments;  // a JSON object, as the model wrote it
};

// Returns the call of an object {"name": ..., "arguments": ...}, where some models write "parameters" for "arguments".
// The arguments may be an object, a string of one, null or missing. Returns none when the text is no such object, or no
// JSON within the bounds of parse_json.
std::optional<JsonCall> json_call_of(std::string_view json);
// Returns the call of such an object that was cut off, with the arguments that are there; a string in them may be cut
// too. Returns none when the name is not whole.
std::optional<JsonCall> cut_json_call_of(std::string_view json);

class JsonBlock {
 public:
  enum class Progress {
    kContinues,
    kWhole,       // object() is an object whose brackets match; the lexeme keeps what follows
    kBroken,      // no JSON object will come of it; the lexeme keeps what follows
    kBrokenOver,  // no JSON object will come of it, and text() includes </tool_call>
  };

  void begin(std::string opening);  // <tool_call> and blanks
  Progress parse(Lexeme& lexeme);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string_view object() const { return std::string_view(text_).substr(object_begin_); }

 private:
  enum class Step { kOn, kWhole, kBroken };
  Step step(char c);
  Progress stop_at(Lexeme& lexeme, size_t bytes, Progress progress);

  std::string text_;
  size_t object_begin_ = 0;
  int depth_ = 0;
  bool is_in_string_ = false;
  bool is_escaped_ = false;
  bool has_close_in_string_ = false;
};

}  // namespace moebius::internal
