// Messages as clients send them to messages as templates expect them. The template itself is not here.
#pragma once

#include "base/json.h"

namespace moebius::internal {

struct MessageForm {
  bool keeps_parts = false;      // content may be a list of parts; else parts of text are joined with newlines
  bool knows_developer = false;  // the role "developer" is the template's own; else it becomes "system"
};

// - a content that is null or missing becomes "": templates ask it for substrings
// - other keys that are null are dropped, as transformers does
// - parts of text become one text where the template does not take parts; other parts are refused there
// - tool_calls[].function.arguments, a string of JSON for OpenAI's clients, becomes what it says when that is an object
// - reasoning_content is filled from "thinking" or "reasoning", and "thinking" from either, as transformers does
// Throws kBadConversation naming the message.
Json normalize_messages(const Json& messages, const MessageForm& form);

}  // namespace moebius::internal
