// What a model's reply is made of: the events that stream, and the whole that they add up to. How text becomes events
// stands in src/reply/reply_parser.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "moebius/export.h"

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
MOEBIUS_API void fold(Reply& reply, std::span<const ReplyEvent> events);

}  // namespace moebius
