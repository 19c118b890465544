// See conversation.h.
#include "engine/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "moebius/error.h"

namespace moebius {
namespace {

constexpr size_t kStepTokens = 256;  // between two chances to stop

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

}  // namespace

Answer::Answer(Generation generation, ReplyParser parser, PromptCounts prompt)
    : generation_(std::move(generation)), parser_(std::move(parser)), prompt_(prompt) {}

std::optional<Answer::Step> Answer::next() {
  std::optional<GeneratedToken> token = generation_.next();
  if (!token) return std::nullopt;
  Step step{std::move(*token), {}};
  // What the model wrote as one token is a tag for certain; held-back text before it leaves only its spelling.
  const std::optional<Tag> tag = step.token.is_whole ? tag_of_token(step.token.text) : std::nullopt;
  step.events = tag ? parser_.feed_tag(*tag) : parser_.feed(step.token.text);
  fold(reply_, step.events);
  return step;
}

std::vector<ReplyEvent> Answer::finish() {
  std::vector<ReplyEvent> events = parser_.feed(generation_.finish());
  std::ranges::move(parser_.finish(), std::back_inserter(events));
  fold(reply_, events);
  return events;
}

Conversation::Conversation(Runner& engine, const ModelText& text)
    : text_(text), stop_ids_(stop_ids(engine.stop_ids(), text)), sequence_(engine.start()) {}

std::vector<int32_t> Conversation::render_ids(bool for_answer) const {
  ChatRequest request;
  request.messages = messages;
  request.tools = tools;
  request.options = template_options;
  request.add_generation_prompt = for_answer;
  return text_.tokenizer.encode(text_.render(std::move(request)));
}

std::vector<float> Conversation::append_up_to(size_t end, const std::vector<int32_t>& ids,
                                              const std::function<void(int64_t, int64_t)>& prefilled) {
  std::vector<float> logits;
  for (auto first = static_cast<size_t>(sequence_.position()); first < end;) {
    const size_t count = std::min(kStepTokens, end - first);
    const auto begin = ids.begin() + static_cast<int64_t>(first);
    logits = sequence_.append({begin, begin + static_cast<int64_t>(count)});
    first += count;
    prefilled(static_cast<int64_t>(first), static_cast<int64_t>(ids.size()));
  }
  return logits;
}

Answer Conversation::answer(const GenerationOptions& options, const std::function<void(int64_t, int64_t)>& prefilled) {
  const std::vector<int32_t> ids = render_ids(true);
  if (static_cast<int64_t>(ids.size()) >= sequence_.context()) {
    throw Error(ErrorCode::kUsage, "conversation",
                fmt::format("its {} tokens leave no room in the context of {}", ids.size(), sequence_.context()),
                "load with a larger context (--ctx), or begin a new one");
  }
  // The last token is always appended: its logits are wanted.
  const size_t known = std::min(common_prefix(sequence_.tokens(), ids), ids.size() - 1);
  if (known < static_cast<size_t>(sequence_.position())) {
    const int64_t marked = sequence_.marked();
    sequence_.rewind(marked <= static_cast<int64_t>(known) ? marked : 0);
  }
  const PromptCounts prompt{.tokens = static_cast<int64_t>(ids.size()), .reused = sequence_.position()};
  // What the next turn will render again, whatever it makes of this answer.
  const size_t stable = std::min(common_prefix(render_ids(false), ids), ids.size() - 1);
  append_up_to(stable, ids, prefilled);
  if (sequence_.position() == static_cast<int64_t>(stable)) sequence_.mark();
  std::vector<float> logits = append_up_to(ids.size(), ids, prefilled);

  GenerationOptions generation = options;
  generation.stop_ids = stop_ids_;
  return {Generation(sequence_, std::move(logits), &text_.tokenizer, std::move(generation)),
          ReplyParser(reply_format(ids, tools, text_)), prompt};
}

void Conversation::add(const Reply& reply) {
  Json message = {{"role", "assistant"}, {"content", reply.content}};
  if (!reply.reasoning.empty()) message["reasoning_content"] = reply.reasoning;
  for (const ToolCall& call : reply.tool_calls) {
    message["tool_calls"].push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  messages.push_back(std::move(message));
}

}  // namespace moebius
