// Turns one request into the variables of its template.
#include "template/chat_template.h"

#include <utility>

#include "moebius/error.h"
#include "template/chat_messages.h"

namespace moebius::internal {
namespace {

using jinja::from_json;
using jinja::Origin;

// What a conversation costs to walk over: its bytes, and 16 more for each value.
uint64_t weight_bytes(const Json& json) {
  uint64_t bytes = 16;
  if (json.is_string()) return bytes + json.get_ref<const std::string&>().size();
  if (const auto digits = big_integer_of(json)) return bytes + digits->size();
  if (!json.is_structured()) return bytes;
  for (const auto& [key, value] : json.items()) bytes += (json.is_object() ? key.size() : 0) + weight_bytes(value);
  return bytes;
}

jinja::Limits limits_of(const ChatRequest& request) {
  return jinja::Limits::for_input(weight_bytes(request.messages) + weight_bytes(request.tools) +
                                  weight_bytes(request.documents) + weight_bytes(request.options));
}

void refuse_unless_list(const Json& json, const std::string& name) {
  if (json.is_null() || json.is_array()) return;
  throw Error(ErrorCode::kBadConversation, name, "is not a list", "leave it out, or send a list");
}

// The names of the request itself. An option cannot take their place.
bool is_reserved(const std::string& name) {
  return name == "messages" || name == "tools" || name == "documents" || name == "add_generation_prompt";
}

jinja::Variables variables_of(const ChatRequest& request, const Json& messages) {
  refuse_unless_list(request.tools, "tools");
  refuse_unless_list(request.documents, "documents");
  jinja::Variables out = {{"messages", from_json(messages, Origin::kUser)},
                          {"tools", from_json(request.tools, Origin::kUser)},
                          {"documents", from_json(request.documents, Origin::kUser)},
                          {"add_generation_prompt", request.add_generation_prompt}};
  for (const auto& [name, value] : request.options.items()) {
    if (!is_reserved(name)) out.emplace_back(name, from_json(value, Origin::kTemplate));
  }
  for (const auto& [name, value] : request.special_tokens) {
    if (!is_reserved(name)) out.emplace_back(name, from_json(value, Origin::kTemplate));
  }
  return out;
}

}  // namespace

ChatTemplate ChatTemplate::parse(std::string source, const std::string& where) {
  jinja::Template parsed = jinja::Template::parse(source, where);
  return {std::move(source), std::move(parsed)};
}

ChatTemplate::ChatTemplate(std::string source, jinja::Template parsed)
    : source_(std::move(source)), template_(std::move(parsed)), takes_parts_(takes_parts()) {}

// The source does not tell whether content may be a list: some templates iterate over it, some print it as Python
// would. One list is therefore tried, once. A template takes parts when the text comes out and the list around it does
// not.
bool ChatTemplate::takes_parts() const {
  constexpr const char* kText = "moebius reads the parts of a message";
  ChatRequest request;
  request.messages = {{{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", kText}}})}}};
  jinja::Budget budget(limits_of(request));
  try {
    const std::string text = template_.render(variables_of(request, request.messages), budget, request.now).text;
    const size_t at = text.find(kText);
    return at != std::string::npos && text.find("'type'") == std::string::npos &&
           text.find("\"type\"") == std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

RenderedChat ChatTemplate::render(const ChatRequest& request) const {
  const bool knows_developer = source_.find("developer") != std::string::npos;
  const Json messages = normalize_messages(request.messages, {takes_parts_, knows_developer});
  jinja::Budget budget(limits_of(request));
  jinja::FirstRead opening = {.variable = "add_generation_prompt"};
  MarkedText text = template_.render(variables_of(request, messages), budget, request.now, &opening);
  return {std::move(text), opening.at};
}

}  // namespace moebius::internal
