// What a model's reply is made of: the events that ReplyParser streams, and the whole that they add up to. How the text
// becomes events stands in reply_parser.h.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius {

struct ReplyEvent {
  enum class Kind {
    kReasoning,      // text: the next piece of the reasoning
    kContent,        // text: the next piece of the answer
    kCallStarted,    // text: the tool's name; id
    kCallArguments,  // text: the next piece of the arguments; those of one call make one JSON object
    kCallFinished,
  };
  Kind kind = Kind::kContent;
  int call = -1;  // index of the call, from 0; -1 for text
  std::string text;
  std::string id;
  bool operator==(const ReplyEvent&) const = default;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // a JSON object
  bool operator==(const ToolCall&) const = default;
};

struct Reply {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> tool_calls;  // the reason to finish is "tool_calls" when there is one
  bool operator==(const Reply&) const = default;
};

// Adds events to what came before. A reply parsed in one piece is the fold of the same events.
void fold(Reply& reply, std::span<const ReplyEvent> events);

// The events of one feed: pieces of the same text that follow each other become one event.
class EventList {
 public:
  void text(ReplyEvent::Kind kind, std::string_view piece);  // kReasoning or kContent
  void start_call(std::string id, std::string_view name);    // gets the next index
  void arguments(std::string_view piece);                    // of the call started last
  void finish_call();

  [[nodiscard]] int calls() const { return calls_; }  // started so far, over all feeds
  std::vector<ReplyEvent> take() { return std::exchange(events_, {}); }

 private:
  void append(ReplyEvent::Kind kind, int call, std::string_view piece);

  std::vector<ReplyEvent> events_;
  int calls_ = 0;
};

}  // namespace moebius
