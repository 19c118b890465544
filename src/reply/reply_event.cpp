// Folding of events and joining of pieces.
#include "reply/reply_event.h"

#include <algorithm>
#include <iterator>

namespace moebius {

void fold(Reply& reply, std::span<const ReplyEvent> events) {
  for (const ReplyEvent& event : events) {
    switch (event.kind) {
      case ReplyEvent::Kind::kReasoning:
        reply.reasoning += event.text;
        break;
      case ReplyEvent::Kind::kContent:
        reply.content += event.text;
        break;
      case ReplyEvent::Kind::kCallStarted:
        reply.tool_calls.push_back({.id = event.id, .name = event.text, .arguments = {}, .is_complete = false});
        break;
      case ReplyEvent::Kind::kCallArguments:
        reply.tool_calls.at(static_cast<size_t>(event.call)).arguments += event.text;
        break;
      case ReplyEvent::Kind::kCallFinished:
        reply.tool_calls.at(static_cast<size_t>(event.call)).is_complete = true;
        break;
    }
  }
}

}  // namespace moebius

namespace moebius::internal {

void EventList::text(ReplyEvent::Kind kind, std::string_view piece) { add_text(kind, -1, piece); }

void EventList::start_call(std::string id, std::string_view name) {
  events_.push_back({ReplyEvent::Kind::kCallStarted, calls_++, std::string(name), std::move(id)});
}

void EventList::arguments(std::string_view piece) { add_text(ReplyEvent::Kind::kCallArguments, calls_ - 1, piece); }

void EventList::finish_call() {
  ++finished_;
  events_.push_back({ReplyEvent::Kind::kCallFinished, calls_ - 1, {}, {}});
}

void EventList::append(EventList&& later) {
  std::ranges::move(later.events_, std::back_inserter(events_));
  calls_ = later.calls_;
  finished_ += later.finished_;
}

void EventList::add_text(ReplyEvent::Kind kind, int call, std::string_view piece) {
  if (piece.empty()) return;
  const bool continues = !events_.empty() && events_.back().kind == kind && events_.back().call == call;
  if (!continues) events_.push_back({kind, call, {}, {}});
  events_.back().text += piece;
}

}  // namespace moebius::internal
