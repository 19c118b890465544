// A model's reply: the events that stream, and the whole that they add up to. src/reply/reply_parser.h turns text into
// events.
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
    kCallFinished,   // the call is whole; a call that the end of the reply cuts off has no such event
  };
  Kind kind = Kind::kContent;
  int call = -1;  // index of the tool call, from 0; -1 for text
  std::string text;
  std::string id;
  bool operator==(const ReplyEvent&) const = default;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // a JSON object, also of a call that was cut off: what there was of it, closed
  // False while a call is being written, and false for good when a limit of tokens, a stop string or a caller cut it
  // off: values are missing or cut then, so the call must not be made. A model that ends its reply inside a call, as
  // some do without the closing tags, has ended the call too.
  bool is_complete = true;
  bool operator==(const ToolCall&) const = default;
};

struct Reply {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> tool_calls;
  bool operator==(const Reply&) const = default;
};

// Adds events to a reply. Folding all events of a reply gives the whole reply.
MOEBIUS_API void fold(Reply& reply, std::span<const ReplyEvent> events);

}  // namespace moebius
