// Implements moebius/chat.h and chat_json.h.
#include "moebius/chat.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "base/quote.h"
#include "dialogue/chat_json.h"
#include "moebius/error.h"

namespace moebius {
namespace {

using internal::Json;
using internal::to_text;

constexpr const char* kChatHint = R"(send {"messages": [...], "tools": [...], "template_options": {...}})";

[[noreturn]] void refuse(const std::string& where, const std::string& what, const std::string& hint) {
  throw Error(ErrorCode::kBadConversation, where, what, hint);
}

[[noreturn]] void refuse_chat(const std::string& what) { refuse("chat", what, kChatHint); }

std::string message_json(const std::string& role, std::string_view content) {
  return to_text({{"role", role}, {"content", content}});
}

std::string role_of(const Json& message, const std::string& where) {
  constexpr const char* kHint = "send messages as OpenAI's chat API has them";
  if (!message.is_object()) refuse(where, "is not an object", kHint);
  const auto role = message.find("role");
  if (role == message.end() || !role->is_string()) refuse(where, "has no role", kHint);
  return role->get<std::string>();
}

void check_tool(const Json& tool, const std::string& where) {
  if (!tool.is_object()) refuse(where, "is not an object", R"(send {"type": "function", "function": {...}})");
}

// Calls make(element's JSON, "messages[3]") for each element of a list.
template <typename Make>
void for_each_of(const Json& list, const std::string& name, const Make& make) {
  if (!list.is_array()) refuse_chat(name + " is not a list");
  size_t index = 0;
  for (const Json& element : list) make(element, fmt::format("{}[{}]", name, index++));
}

}  // namespace

Message::Message(std::string role, std::string json) : role_(std::move(role)), json_(std::move(json)) {}

Message Message::system(std::string_view content) { return {"system", message_json("system", content)}; }

Message Message::user(std::string_view content) { return {"user", message_json("user", content)}; }

Message Message::assistant(const Reply& reply) {
  Json message = {{"role", "assistant"}, {"content", reply.content}};
  if (!reply.reasoning.empty()) message["reasoning_content"] = reply.reasoning;
  if (!reply.tool_calls.empty()) message["tool_calls"] = internal::tool_calls_json(reply);
  return {"assistant", to_text(message)};
}

Message Message::tool_result(const ToolCall& call, std::string_view content) {
  return {"tool", to_text({{"role", "tool"}, {"tool_call_id", call.id}, {"name", call.name}, {"content", content}})};
}

Message Message::from_json(std::string_view json) {
  const Json message = internal::parse_json(json, "message");
  return {role_of(message, "message"), to_text(message)};
}

Tool::Tool(std::string json) : json_(std::move(json)) {}

Tool::Tool(std::string_view name, std::string_view description, std::string_view parameters) {
  Json schema = internal::parse_json(parameters, "parameters");
  if (!schema.is_object()) refuse("parameters", "is not an object", "send a JSON schema");
  const Json function = {{"name", name}, {"description", description}, {"parameters", std::move(schema)}};
  json_ = to_text({{"type", "function"}, {"function", function}});
}

Tool Tool::from_json(std::string_view json) {
  const Json tool = internal::parse_json(json, "tool");
  check_tool(tool, "tool");
  return Tool(to_text(tool));
}

Chat Chat::from_json(std::string_view json) {
  const Json parsed = internal::parse_json(json, "chat");
  if (!parsed.is_object()) refuse_chat("is not an object");
  if (!parsed.contains("messages")) refuse_chat("has no messages");
  Chat chat;
  for (const auto& [key, value] : parsed.items()) {
    if (key == "messages") {
      for_each_of(value, key, [&](const Json& message, const std::string& where) {
        chat.messages.push_back(Message(role_of(message, where), to_text(message)));
      });
    } else if (key == "tools") {
      if (value.is_null()) continue;
      for_each_of(value, key, [&](const Json& tool, const std::string& where) {
        check_tool(tool, where);
        chat.tools.push_back(Tool(to_text(tool)));
      });
    } else if (key == "template_options") {
      if (!value.is_object()) refuse_chat("template_options is not an object");
      chat.template_options = to_text(value);
    } else {
      refuse_chat("has a key that nothing reads: " + internal::in_quotes(key));
    }
  }
  return chat;
}

std::string Chat::to_json() const { return to_text(internal::chat_json(*this)); }

}  // namespace moebius

namespace moebius::internal {

Json tool_calls_json(const Reply& reply) {
  Json calls = Json::array();
  for (const ToolCall& call : reply.tool_calls) {
    calls.push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    if (!call.is_complete) calls.back()["is_complete"] = false;
  }
  return calls;
}

Json chat_json(const Chat& chat) {
  Json messages = Json::array();
  for (const Message& message : chat.messages) messages.push_back(parse_json(message.json(), "message"));
  Json tools = Json::array();
  for (const Tool& tool : chat.tools) tools.push_back(parse_json(tool.json(), "tool"));
  Json options = parse_json(chat.template_options, "template_options");
  if (!options.is_object()) refuse_chat("template_options is not an object");
  if (chat.thinking) options["enable_thinking"] = *chat.thinking;
  return {{"messages", std::move(messages)}, {"tools", std::move(tools)}, {"template_options", std::move(options)}};
}

}  // namespace moebius::internal
