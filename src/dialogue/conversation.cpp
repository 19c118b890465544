// See conversation.h.
#include "dialogue/conversation.h"

#include <utility>

namespace moebius::internal {

Json tool_calls_json(const Reply& reply) {
  Json calls = Json::array();
  for (const ToolCall& call : reply.tool_calls) {
    calls.push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return calls;
}

void Conversation::add(const std::string& role, const std::string& content) {
  messages.push_back({{"role", role}, {"content", content}});
}

void Conversation::add(const Reply& reply) {
  Json message = {{"role", "assistant"}, {"content", reply.content}};
  if (!reply.reasoning.empty()) message["reasoning_content"] = reply.reasoning;
  if (!reply.tool_calls.empty()) message["tool_calls"] = tool_calls_json(reply);
  messages.push_back(std::move(message));
}

std::string Conversation::chat_json() const {
  const Json chat = {{"messages", messages}, {"tools", tools}, {"template_options", template_options}};
  return to_text(chat);
}

}  // namespace moebius::internal
