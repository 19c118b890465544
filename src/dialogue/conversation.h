// A conversation as clients of the engine keep it: what was said, and what goes with it. The engine knows none: it gets
// the whole of it with every question, and finds what it has computed for the earlier turns again.
#pragma once

#include <string>

#include "base/json.h"
#include "moebius/reply.h"

namespace moebius::internal {

struct Conversation {
  // As chat completions have them: {"role": "user", "content": "..."}, ...
  Json messages = Json::array();
  Json tools = Json::array();
  Json template_options = Json::object();  // {"enable_thinking": false}

  void add(const std::string& role, const std::string& content);
  // The reply as a message, as the template wants to see it again.
  void add(const Reply& reply);
  // For Request::chat. What was typed and is no UTF-8 is replaced.
  [[nodiscard]] std::string chat_json() const;
};

// As chat completions have the calls of a message.
Json tool_calls_json(const Reply& reply);

}  // namespace moebius::internal
