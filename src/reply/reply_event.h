// Events of a reply (moebius/reply.h) in the making: pieces are joined and calls counted.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moebius/reply.h"

namespace moebius::internal {

// How a reply ended: the model ended it, or something cut it (a limit of tokens, a stop string, a caller).
enum class ReplyEnd { kByModel, kCut };

// The events of one feed. Pieces of the same text that follow each other become one event.
class EventList {
 public:
  EventList() = default;
  // Counts on from another list, for events that may be appended to it.
  explicit EventList(int first_call) : calls_(first_call) {}

  void text(ReplyEvent::Kind kind, std::string_view piece);  // kReasoning or kContent
  void start_call(std::string id, std::string_view name);    // gets the next index
  void arguments(std::string_view piece);                    // for the call that was started last
  void finish_call();
  void append(EventList&& later);

  [[nodiscard]] int calls() const { return calls_; }           // started so far, over all feeds
  [[nodiscard]] int whole_calls() const { return finished_; }  // finished so far, over all feeds
  std::vector<ReplyEvent> take() { return std::exchange(events_, {}); }

 private:
  void add_text(ReplyEvent::Kind kind, int call, std::string_view piece);

  std::vector<ReplyEvent> events_;
  int calls_ = 0;
  int finished_ = 0;
};

}  // namespace moebius::internal
