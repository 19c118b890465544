// Converts chats and calls of tools to JSON values, in the format of chat completions.
#pragma once

#include "base/json.h"
#include "moebius/chat.h"

namespace moebius::internal {

// Returns the member tool_calls of a message. A call that was cut off also has "is_complete": false.
Json tool_calls_json(const Reply& reply);

// Returns {"messages": [...], "tools": [...], "template_options": {...}}. All three members are always present.
// Chat::thinking becomes the template option enable_thinking. Throws kInvalidJson or kBadConversation for template
// options that are no JSON object.
Json chat_json(const Chat& chat);

}  // namespace moebius::internal
