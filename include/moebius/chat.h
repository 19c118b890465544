// A conversation as types: messages, tools, and what the chat template is told. Each can be made from JSON too, as
// OpenAI's chat completions have it. All members of such JSON reach the template, those unknown to these types as well.
//
//   moebius::Chat chat;
//   chat.messages = {moebius::Message::system("Be brief."), moebius::Message::user("What is 12+9?")};
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moebius/export.h"
#include "moebius/reply.h"

namespace moebius {

// One message. In a text that is given, bytes that are not UTF-8 become U+FFFD.
class MOEBIUS_API Message {
 public:
  static Message system(std::string_view content);
  static Message user(std::string_view content);
  // A reply of the model, with its reasoning and its calls of tools.
  static Message assistant(const Reply& reply);
  // The message that tells the model what a call of a tool returned.
  static Message tool_result(const ToolCall& call, std::string_view content);
  // An object such as {"role": "user", "content": "Hi"}. Throws kInvalidJson, and kBadConversation without a role.
  static Message from_json(std::string_view json);

  [[nodiscard]] const std::string& role() const { return role_; }
  [[nodiscard]] const std::string& json() const { return json_; }
  bool operator==(const Message&) const = default;

 private:
  friend struct Chat;
  Message(std::string role, std::string json);

  std::string role_;
  std::string json_;
};

// A function that the model may call.
class MOEBIUS_API Tool {
 public:
  // parameters: the JSON schema of the arguments, an object. Throws kInvalidJson, kBadConversation.
  Tool(std::string_view name, std::string_view description, std::string_view parameters);
  // {"type": "function", "function": {"name": ..., "description": ..., "parameters": ...}}, or the inner object alone.
  static Tool from_json(std::string_view json);

  [[nodiscard]] const std::string& json() const { return json_; }
  bool operator==(const Tool&) const = default;

 private:
  friend struct Chat;
  explicit Tool(std::string json);

  std::string json_;
};

struct MOEBIUS_API Chat {
  std::vector<Message> messages = {};
  std::vector<Tool> tools = {};
  std::optional<bool> thinking = {};    // the template's enable_thinking; nullopt: as the template has it
  std::string template_options = "{}";  // further names that the template sees, a JSON object

  // {"messages": [...], "tools": [...], "template_options": {...}}; the last two may be missing. Throws kInvalidJson,
  // kJsonDepth, kDuplicateKey, kBadConversation.
  static Chat from_json(std::string_view json);
  [[nodiscard]] std::string to_json() const;
};

}  // namespace moebius
