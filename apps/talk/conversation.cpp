// See talk/conversation.h.
#include "talk/conversation.h"

#include <utility>

#include "base/json.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {

Chat read_conversation(const std::string& name) {
  const Json file = parse_json(read_input(name), name);
  if (!file.is_array() && !(file.is_object() && file.contains("messages"))) {
    throw Error(ErrorCode::kBadConversation, name, "expected a list of messages, or an object that has one",
                R"(write {"messages": [{"role": "user", "content": "Hi"}]})");
  }
  Json chat = Json::object();
  chat["template_options"] = Json::object();
  if (file.is_array()) {
    chat["messages"] = file;
    return Chat::from_json(to_text(chat));
  }
  for (const auto& [key, value] : file.items()) {
    (key == "messages" || key == "tools" ? chat : chat["template_options"])[key] = value;
  }
  return Chat::from_json(to_text(chat));
}

}  // namespace moebius::internal::apps
