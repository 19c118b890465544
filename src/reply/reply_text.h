// The running text of a reply: its reasoning or its content. Blanks at its end are held back, because blanks beside a
// tag are syntax: templates put line breaks around think blocks and calls, and a client gets the text without them.
#pragma once

#include <string>
#include <string_view>

#include "reply/reply_event.h"

namespace moebius::internal {

class ReplyText {
 public:
  struct Rules {
    ReplyEvent::Kind kind;
    std::string_view blanks;  // characters that may be syntax beside a tag
  };

  ReplyText(Rules rules, EventList& events) : rules_(rules), events_(&events) {}

  void add(std::string_view text);
  // A tag stands here. Blanks around it are dropped, unless more text follows. In that case the blanks before the first
  // tag and those behind the last one stay, to keep the two parts apart. Before the first text only line breaks are
  // dropped; an indentation stays.
  void tag();
  void finish();

  [[nodiscard]] bool is_empty() const { return is_empty_; }
  [[nodiscard]] bool is_at_line_start() const { return is_empty_ || blank_.find('\n') != std::string::npos; }

 private:
  Rules rules_;
  EventList* events_;
  std::string blank_;      // blanks that are not sent yet
  size_t before_tag_ = 0;  // bytes of blank_ that stand before the first tag
  bool is_empty_ = true;
  bool is_beside_tag_ = false;
};

}  // namespace moebius::internal
