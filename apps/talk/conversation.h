// Reads a conversation from a file.
#pragma once

#include <string>

#include "moebius/chat.h"

namespace moebius::internal::apps {

// Reads a file, a pipe, or standard input for "-": {"messages": [...], "tools": [...], any option of the template}, or
// a list of messages. `/save` of a chat writes such a file. Throws what read_input() and parse_json() throw, and
// kBadConversation.
Chat read_conversation(const std::string& name);

}  // namespace moebius::internal::apps
