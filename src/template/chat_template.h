// A chat template: turns messages, tools and documents into the text that a model reads, with the user's bytes marked.
// What clients send and templates do not expect (formats of OpenAI's API) is mended first; the comment at
// normalize_messages in chat_messages.h lists it. template/chat_files.h reads the files.
//
//   const ChatTemplate chat = ChatTemplate::parse(read_text(path, ...), path);
//   MarkedText prompt = chat.render({.messages = messages, .special_tokens = {{"bos_token", "<s>"}}, .now =
//   local_time}).text;
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/marked_text.h"
#include "template/jinja/template.h"

namespace moebius::internal {

using SpecialTokens = std::vector<std::pair<std::string, Json>>;  // "bos_token": a string; or a list of strings

struct ChatRequest {
  Json messages = Json::array();
  Json tools = nullptr;      // null: none
  Json documents = nullptr;  // null: none
  bool add_generation_prompt = true;
  Json options = Json::object();  // enable_thinking and so on, as names that the template sees; not a user's words
  SpecialTokens special_tokens = {};
  std::tm now = {};  // local time, for templates that write the date
};

struct RenderedChat {
  MarkedText text;
  // Where the opening of the answer to come may begin: how many bytes the template had written when it first read
  // add_generation_prompt. It would have written these bytes whatever add_generation_prompt is. None: it did not read
  // add_generation_prompt.
  std::optional<size_t> opening;
};

class ChatTemplate {
 public:
  // where: the file, for messages. Throws kBadTemplate or kTemplateLimit (jinja::Template::parse).
  static ChatTemplate parse(std::string source, const std::string& where);

  // Throws kBadConversation (the template refuses the messages, or they are no messages), kBadTemplate (with the line),
  // kTemplateLimit.
  [[nodiscard]] RenderedChat render(const ChatRequest& request) const;

  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  ChatTemplate(std::string source, jinja::Template parsed);

  [[nodiscard]] bool takes_parts() const;

  std::string source_;
  jinja::Template template_;
  bool takes_parts_ = false;  // a message's content may be a list of parts
};

}  // namespace moebius::internal
