// A reply as a person reads it, piece by piece: thinking dim, calls of tools as such, and the answer. To stdout, where
// thinking goes too on a terminal; in a pipe it goes to stderr, so that `moebius generate --chat ... > file` holds the
// answer alone.
#pragma once

#include <string>
#include <string_view>

#include "moebius/reply.h"

namespace moebius::internal::apps {

// Text of a model is text of a stranger: a terminal would obey its control characters. They become pictures of
// themselves, but for newlines and tabs.
std::string harmless(std::string_view text);

// Text to stdout as it comes, harmless when that is a terminal.
void print_text(std::string_view text);

class ReplyPrinter {
 public:
  void show(const ReplyEvent& event);
  void finish();  // the last line ends

 private:
  void change_to(ReplyEvent::Kind kind);
  void write(std::string_view text);

  ReplyEvent::Kind kind_ = ReplyEvent::Kind::kContent;
  bool anything_ = false;
  bool line_open_ = false;
};

}  // namespace moebius::internal::apps
