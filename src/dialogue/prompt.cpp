// Implements the prompts of prompt.h.
#include "dialogue/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/marked_view.h"
#include "dialogue/chat_json.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

void check_one_is_set(const Request& request) {
  const int set = (request.chat ? 1 : 0) + (request.text.empty() ? 0 : 1) + (request.tokens.empty() ? 0 : 1);
  if (set == 1) return;
  throw Error(ErrorCode::kUsage, "request", fmt::format("{} of chat, text and tokens are set, expected one", set),
              "say what to answer in one way");
}

size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto [end, rest] = std::ranges::mismatch(a, b);
  return static_cast<size_t>(end - a.begin());
}

// Whether the last <think> of the prompt comes after its last </think>. The tags are compared by id, so that a tag that
// a user quotes does not count. A tag without an id in the tokenizer counts as absent.
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

// Returns how many of the ids stand for the first `at` bytes of `text`. All ids together stand for the whole text. The
// search starts at the end of the text. Returns nothing when one id stands for bytes on both sides of `at`, or when the
// tokenizer normalized the end of the text.
std::optional<size_t> ids_before(size_t at, std::string_view text, std::span<const int32_t> ids,
                                 const Tokenizer& tokenizer) {
  while (text.size() > at) {
    if (ids.empty()) return std::nullopt;
    const std::string& last = tokenizer.token_text(ids.back());
    if (last.size() > text.size() - at || !text.ends_with(last)) return std::nullopt;
    text.remove_suffix(last.size());
    ids = ids.first(ids.size() - 1);
  }
  return ids.size();
}

MarkedText beginning_of(const MarkedText& marked, size_t end) {
  return {marked.text.substr(0, end), ranges_within(marked.user, {0, end})};
}

// Returns how many ids of the prompt stand for its messages. The next turn renders the messages again in the same way,
// however it renders this answer. The other ids open the answer.
size_t ids_of_messages(const Prompt& prompt, size_t opening, ChatRequest request, const ModelText& text,
                       Transcripts& transcripts) {
  const MarkedText& rendered = prompt.rendered;
  MarkedText messages;
  if (rendered.user.empty() || rendered.user.back().end <= opening) {
    if (const auto count = ids_before(opening, rendered.text, prompt.ids, text.tokenizer)) return *count;
    messages = beginning_of(rendered, opening);
  } else {
    // Here, words of messages come behind the place `opening`: the template checks add_generation_prompt long before it
    // opens the answer. Render the messages alone instead.
    request.add_generation_prompt = false;
    messages = text.render(std::move(request)).text;
  }
  return common_prefix(transcripts.encode(messages, text.tokenizer), prompt.ids);
}

Prompt chat_prompt(const Chat& chat, const ModelText& text, Transcripts& transcripts) {
  ChatRequest request = chat_request(chat);
  RenderedChat rendered = text.render(request);
  Prompt prompt;
  prompt.rendered = std::move(rendered.text);
  prompt.ids = transcripts.encode(prompt.rendered, text.tokenizer);
  if (prompt.ids.empty()) {
    throw Error(ErrorCode::kBadConversation, "chat", "is nothing, as the chat template renders it", "add a message");
  }
  prompt.reply = reply_format(prompt.ids, request.tools, text);
  if (rendered.opening) {
    const size_t count = ids_of_messages(prompt, *rendered.opening, std::move(request), text, transcripts);
    prompt.boundaries.push_back(static_cast<int64_t>(count));
  }
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
  if (request.chat) return chat_prompt(*request.chat, *text, transcripts);
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

ChatRequest chat_request(const Chat& chat) {
  Json json = chat_json(chat);
  ChatRequest request;
  request.messages = std::move(json["messages"]);
  // Templates ask whether there are tools at all. transformers gives them null when there are none.
  if (!chat.tools.empty()) request.tools = std::move(json["tools"]);
  request.options = std::move(json["template_options"]);
  request.documents = request.options.value("documents", Json());
  request.options.erase("documents");
  return request;
}

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

}  // namespace moebius::internal
