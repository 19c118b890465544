// Chats and calls of tools as JSON values, as chat completions have them.
#pragma once

#include "base/json.h"
#include "moebius/chat.h"

namespace moebius::internal {

// The member tool_calls of a message.
Json tool_calls_json(const Reply& reply);

// {"messages": [...], "tools": [...], "template_options": {...}}, all three present. Chat::thinking becomes the
// template option enable_thinking. Throws kInvalidJson or kBadConversation for template options that are no JSON
// object.
Json chat_json(const Chat& chat);

}  // namespace moebius::internal
