// A conversation on one sequence. Each turn renders all of its messages and appends only the tokens that the sequence
// has not seen. Templates rewrite what was: most drop the thinking of earlier answers, so the new text parts from the
// old one where the last answer began. The sequence is marked there, and goes back to the mark.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/generation.h"
#include "engine/model_text.h"
#include "engine/runner.h"
#include "text/reply_parser.h"

namespace moebius {

// What one turn had to do before its first token.
struct PromptCounts {
  int64_t tokens = 0;
  int64_t reused = 0;  // of these, in the sequence already
};

// One answer of a conversation, in pieces that know whether they are thinking, text or a call of a tool.
class Answer {
 public:
  Answer(Generation generation, ReplyParser parser, PromptCounts prompt);

  struct Step {
    GeneratedToken token;
    std::vector<ReplyEvent> events;
  };
  // The next token and what it made certain; nullopt when the answer has ended.
  std::optional<Step> next();
  // After the end, or after the caller has had enough: what was held back.
  std::vector<ReplyEvent> finish();

  [[nodiscard]] const PromptCounts& prompt() const { return prompt_; }
  [[nodiscard]] const Reply& reply() const { return reply_; }  // so far
  [[nodiscard]] const Generation& generation() const { return generation_; }

 private:
  Generation generation_;
  ReplyParser parser_;
  PromptCounts prompt_;
  Reply reply_;
};

class Conversation {
 public:
  // engine and text outlive it.
  Conversation(Runner& engine, const ModelText& text);

  // As chat completions have them: {"role": "user", "content": "..."}, ...
  Json messages = Json::array();
  Json tools = Json::array();
  Json template_options = Json::object();  // {"enable_thinking": false}

  // Renders the messages and brings the sequence up to the answer. prefilled(done, total) is called after each step and
  // may throw, which leaves the conversation as it was.
  // Throws kBadConversation and what else rendering throws; kUsage when the messages exceed the context.
  Answer answer(const GenerationOptions& options, const std::function<void(int64_t done, int64_t total)>& prefilled);
  // Adds a reply to the messages, as the template wants to see it again.
  void add(const Reply& reply);

 private:
  [[nodiscard]] std::vector<int32_t> render_ids(bool for_answer) const;
  // Appends up to `end`; logits of the last token.
  std::vector<float> append_up_to(size_t end, const std::vector<int32_t>& ids,
                                  const std::function<void(int64_t, int64_t)>& prefilled);

  const ModelText& text_;
  std::vector<int32_t> stop_ids_;
  Sequence sequence_;
};

}  // namespace moebius
