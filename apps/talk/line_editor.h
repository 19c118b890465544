// Lines that a person types at a terminal: editing and history by libedit, several pasted lines as one. When input is
// not a terminal, plain lines. Not here: what the lines mean (talk/chat_commands.h).
#pragma once

#include <memory>
#include <string>

namespace moebius::internal::apps {

struct TypedLine {
  enum class Kind { kText, kInterrupted, kEnd };  // Ctrl-C; Ctrl-D or the end of the file
  Kind kind = Kind::kText;
  std::string text;  // without its newline; pasted lines keep theirs
};

class LineEditor {
 public:
  // Lines of standard input; a prompt and editing when it is a terminal.
  LineEditor();
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  [[nodiscard]] bool is_terminal() const;
  // One line; a last \ joins the next line to it, and lines between two """ are one.
  TypedLine read(const std::string& prompt);

 private:
  TypedLine read_one(const std::string& prompt);

  struct Terminal;
  std::unique_ptr<Terminal> terminal_;  // null: plain lines
};

}  // namespace moebius::internal::apps
