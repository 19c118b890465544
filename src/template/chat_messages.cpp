// Mends messages before a template sees them.
#include "template/chat_messages.h"

#include <fmt/format.h>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadConversation, where, what, "send messages as OpenAI's chat API has them");
}

const std::string& text_of_part(const Json& part, const std::string& where) {
  if (part.is_string()) return part.get_ref<const std::string&>();
  if (!part.is_object()) refuse(where, "a part of content is neither text nor an object");
  const auto text = part.find("text");
  if (text == part.end() || !text->is_string()) {
    const auto type = part.find("type");
    const bool is_named = type != part.end() && type->is_string();
    refuse(where, fmt::format("a part of content of type {} is not for this model",
                              in_quotes(is_named ? type->get_ref<const std::string&>() : "unknown")));
  }
  return text->get_ref<const std::string&>();
}

std::string joined(const Json& parts, const std::string& where) {
  std::string out;
  for (const Json& part : parts) {
    if (&part != &parts.front()) out += '\n';
    out += text_of_part(part, where);
  }
  return out;
}

// Arguments that are a string but no object of JSON stay as they are, because the model wrote them so.
void parse_arguments(Json& call) {
  Json* function = call.contains("function") ? &call["function"] : &call;
  if (!function->is_object()) return;
  const auto arguments = function->find("arguments");
  if (arguments == function->end() || !arguments->is_string()) return;
  const std::string text = arguments->get<std::string>();
  if (text.empty()) {
    *arguments = Json::object();
    return;
  }
  try {
    Json parsed = parse_json(text, "arguments");
    if (parsed.is_object()) *arguments = std::move(parsed);
  } catch (const Error&) {
    return;
  }
}

void fill_reasoning(Json& message) {
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    if (!message.contains(name)) continue;
    const Json reasoning = message[name];
    message["reasoning_content"] = reasoning;
    if (!message.contains("thinking")) message["thinking"] = reasoning;
    return;
  }
}

Json normalized(const Json& message, const MessageForm& form, const std::string& where) {
  if (!message.is_object()) refuse(where, "is not an object");
  Json out = Json::object();
  for (const auto& [key, value] : message.items()) {
    if (key == "content" || !value.is_null()) out[key] = value;
  }
  const auto role = out.find("role");
  if (role == out.end() || !role->is_string()) refuse(where, "has no role");
  if (!form.knows_developer && *role == "developer") *role = "system";
  if (!out.contains("content") || out["content"].is_null()) out["content"] = "";
  Json& content = out["content"];
  if (!content.is_string() && !content.is_array()) refuse(where, "the content is neither text nor a list of parts");
  if (content.is_array() && !form.keeps_parts) content = joined(content, where);
  if (const auto calls = out.find("tool_calls"); calls != out.end() && calls->is_array()) {
    for (Json& call : *calls) {
      if (call.is_object()) parse_arguments(call);
    }
  }
  fill_reasoning(out);
  return out;
}

}  // namespace

Json normalize_messages(const Json& messages, const MessageForm& form) {
  if (!messages.is_array()) refuse("messages", "is not a list");
  Json out = Json::array();
  for (const Json& message : messages) {
    out.push_back(normalized(message, form, fmt::format("messages[{}]", out.size())));
  }
  return out;
}

}  // namespace moebius::internal
