// Turns messages as clients send them into messages as templates expect them. The template itself is not here.
#pragma once

#include "base/json.h"

namespace moebius::internal {

struct MessageForm {
  bool keeps_parts = false;      // content may be a list of parts; otherwise parts of text are joined with newlines
  bool knows_developer = false;  // the template has a role "developer"; otherwise it becomes "system"
};

// Returns the messages in the form that templates expect:
// - A content that is null or missing becomes "", because templates ask it for substrings.
// - Other keys that are null are dropped, as transformers does.
// - Parts of text become one text where the template does not take parts. Other parts are refused there.
// - tool_calls[].function.arguments, a string of JSON for OpenAI's clients, becomes the object that it spells. A
//   string that spells no object stays, but an empty one becomes {}.
// - reasoning_content is filled from "thinking" or "reasoning", and "thinking" from either of the others, as
//   transformers does.
// Throws kBadConversation naming the message.
Json normalize_messages(const Json& messages, const MessageForm& form);

}  // namespace moebius::internal
