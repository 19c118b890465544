// Events of a reply (moebius/reply.h) in the making: pieces are joined and calls counted.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moebius/reply.h"

namespace moebius::internal {

// The events of one feed. Pieces of the same text that follow each other become one event.
class EventList {
 public:
  void text(ReplyEvent::Kind kind, std::string_view piece);  // kReasoning or kContent
  void start_call(std::string id, std::string_view name);    // gets the next index
  void arguments(std::string_view piece);                    // for the call that was started last
  void finish_call();

  [[nodiscard]] int calls() const { return calls_; }  // started so far, over all feeds
  std::vector<ReplyEvent> take() { return std::exchange(events_, {}); }

 private:
  void append(ReplyEvent::Kind kind, int call, std::string_view piece);

  std::vector<ReplyEvent> events_;
  int calls_ = 0;
};

}  // namespace moebius::internal
