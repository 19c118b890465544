// Prints a reply for people, piece by piece: thinking in dim colour, tool calls marked as calls, and the answer. All of
// it goes to stdout when that is a terminal. When stdout is not a terminal, thinking goes to stderr, so that the file
// of `moebius generate --chat ... > file` holds no thinking.
#pragma once

#include <string>
#include <string_view>

#include "moebius/reply.h"

namespace moebius::internal::apps {

// Replaces control characters except newlines and tabs by visible symbols. Text from a model is untrusted, and a
// terminal would obey its control characters.
std::string harmless(std::string_view text);

// Writes the text to stdout at once. When stdout is a terminal, the text is made harmless() first.
void print_text(std::string_view text);

class ReplyPrinter {
 public:
  void show(const ReplyEvent& event);
  void finish();  // ends the last line with a newline

 private:
  void change_to(ReplyEvent::Kind kind);
  void write(std::string_view text);

  ReplyEvent::Kind kind_ = ReplyEvent::Kind::kContent;
  bool anything_ = false;
  bool line_open_ = false;
};

}  // namespace moebius::internal::apps
