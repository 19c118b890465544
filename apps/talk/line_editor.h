// Reads the lines that a person types at a terminal. libedit provides editing and history. Several pasted lines count
// as one. When the input is not a terminal, plain lines are read, and the end of the file ends a line and a block too.
// What the lines mean is in talk/chat_commands.h.
#pragma once

#include <memory>
#include <string>

namespace moebius::internal::apps {

struct TypedLine {
  enum class Kind { kText, kInterrupted, kEnd };  // kInterrupted: Ctrl-C; kEnd: Ctrl-D or the end of the file
  Kind kind = Kind::kText;
  std::string text;  // without the newline at its end; pasted lines keep inner newlines
};

class LineEditor {
 public:
  // Reads standard input. Shows a prompt and allows editing when standard input and output are a terminal.
  LineEditor();
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  [[nodiscard]] bool is_terminal() const;
  // Reads one line. A \ at the end of a line joins the next line to it. The lines between two """ are one line. Throws
  // kUsage for a line of a file with more than kMaxInputBytes (cli/text_input.h).
  TypedLine read(const std::string& prompt);

 private:
  TypedLine read_one(const std::string& prompt);

  struct Terminal;
  std::unique_ptr<Terminal> terminal_;  // null when plain lines are read
};

}  // namespace moebius::internal::apps
