// See prompt.h.
#include "dialogue/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/quote.h"
#include "moebius/error.h"

namespace moebius {
namespace {

constexpr const char* kChatHint = R"(send {"messages": [...], "tools": [...], "template_options": {...}})";

void check_one_is_set(const Request& request) {
  const int set = (request.chat.empty() ? 0 : 1) + (request.text.empty() ? 0 : 1) + (request.tokens.empty() ? 0 : 1);
  if (set == 1) return;
  throw Error(ErrorCode::kUsage, "request", fmt::format("{} of chat, text and tokens are set, expected one", set),
              "say what to answer in one way");
}

[[noreturn]] void refuse_chat(const std::string& what) {
  throw Error(ErrorCode::kBadConversation, "chat", what, kChatHint);
}

ChatRequest parse_chat(const std::string& chat) {
  Json json = parse_json(chat, "chat");
  if (!json.is_object()) refuse_chat("is not an object");
  ChatRequest request;
  bool has_messages = false;
  for (auto& [key, value] : json.items()) {
    if (key == "messages") {
      request.messages = std::move(value);
      has_messages = true;
    } else if (key == "tools") {
      // Templates ask whether there are tools at all: none is null, as transformers has it.
      if (!value.is_array() || !value.empty()) request.tools = std::move(value);
    } else if (key == "template_options") {
      if (!value.is_object()) refuse_chat("template_options is not an object");
      request.options = std::move(value);
    } else {
      refuse_chat("has a key that nothing reads: " + in_quotes(key));
    }
  }
  if (!has_messages) refuse_chat("has no messages");
  return request;
}

size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto [end, rest] = std::ranges::mismatch(a, b);
  return static_cast<size_t>(end - a.begin());
}

// The last <think> of the prompt comes after its last </think>: by ids where the tokenizer has them, so that what a
// user quotes does not count.
bool starts_in_reasoning(const std::vector<int32_t>& prompt, const Tokenizer& tokenizer) {
  const auto last = [&](std::string_view tag) -> std::ptrdiff_t {
    const std::optional<int32_t> id = tokenizer.token_id(tag);
    if (!id) return -1;
    const auto found = std::find(prompt.rbegin(), prompt.rend(), *id);
    return prompt.rend() - found - 1;
  };
  return last(text_of(Tag::kThinkOpen)) > last(text_of(Tag::kThinkClose));
}

ReplyFormat reply_format(const std::vector<int32_t>& prompt, const Json& tools, const ModelText& text) {
  ReplyFormat format;
  if (!tools.empty()) format.tool_format = tool_format_of(text.chat.choose(tools).source());
  format.starts_in_reasoning = starts_in_reasoning(prompt, text.tokenizer);
  format.tools = tool_schemas(tools);
  format.id_prefix = fmt::format("call_{}_", prompt.size());  // grows with the conversation
  return format;
}

Prompt chat_prompt(const std::string& chat, const ModelText& text, Transcripts& transcripts) {
  ChatRequest request = parse_chat(chat);
  Prompt prompt;
  prompt.rendered = text.render(request);
  prompt.ids = transcripts.encode(prompt.rendered, text.tokenizer);
  if (prompt.ids.empty()) refuse_chat("is nothing, as the chat template renders it");
  prompt.reply = reply_format(prompt.ids, request.tools, text);
  // What the next turn will render again, whatever it makes of this answer.
  request.add_generation_prompt = false;
  const MarkedText messages = text.render(std::move(request));
  const size_t stable = common_prefix(transcripts.encode(messages, text.tokenizer), prompt.ids);
  prompt.boundaries.push_back(static_cast<int64_t>(stable));
  return prompt;
}

Prompt ids_of(const Request& request, const ModelText* text, Transcripts& transcripts) {
  if (!request.tokens.empty()) {
    Prompt prompt;
    prompt.ids = request.tokens;
    prompt.has_text = false;
    return prompt;
  }
  if (text == nullptr) {
    throw Error(ErrorCode::kMissingInput, "request", "is text, and the checkpoint has no tokenizer.json",
                "copy it from the original model, or send tokens");
  }
  if (!request.chat.empty()) return chat_prompt(request.chat, *text, transcripts);
  Prompt prompt;
  prompt.ids = text->tokenizer.encode(request.text);
  return prompt;
}

void add_ends_of_messages(Prompt& prompt, std::span<const int32_t> stop_ids) {
  std::vector<int64_t>& boundaries = prompt.boundaries;
  const auto size = static_cast<int64_t>(prompt.ids.size());
  for (int64_t at = 0; at < size; ++at) {
    const bool ends = std::ranges::find(stop_ids, prompt.ids[static_cast<size_t>(at)]) != stop_ids.end();
    if (ends) boundaries.push_back(at + 1);
  }
  std::ranges::sort(boundaries);
  const auto twice = std::ranges::unique(boundaries);
  boundaries.erase(twice.begin(), twice.end());
  std::erase_if(boundaries, [&](int64_t at) { return at == 0 || at == size; });
}

}  // namespace

Prompt make_prompt(const Request& request, const ModelText* text, std::span<const int32_t> stop_ids,
                   Transcripts& transcripts) {
  check_one_is_set(request);
  if (!request.tokens.empty() && !request.stop.empty()) {
    throw Error(ErrorCode::kUsage, "stop", "stop strings need text, and an answer to tokens has none",
                "send text or a chat, or leave them out");
  }
  Prompt prompt = ids_of(request, text, transcripts);
  add_ends_of_messages(prompt, stop_ids);
  return prompt;
}

}  // namespace moebius
