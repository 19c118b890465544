// Splits what a model writes, as it writes it, into reasoning, content and tool calls. The events add up to the same
// reply however the text was cut into pieces. No event is emitted that more text could take back. Bytes that are not
// UTF-8 become U+FFFD. Any text is a reply, so there are no errors.
//
// Calls inside of thinking: some models call a tool without closing their thinking first, and end their reply. vLLM and
// SGLang end the reasoning there. Here it ends there too, if the reply ends in calls of known tools, the first of which
// is whole. These calls come at the end of the reply, because until then they may be quoted: what stands before a
// </think>, or before more text, is thinking.
//
// Tags: the tokenizers of these models have <think>, </think>, <tool_call> and </tool_call> as one token each. A caller
// that sees ids gives those tags to feed_tag and everything else to feed. A caller that has only text gives all of it
// to feed. A tag given to feed_tag is surely a tag where the text alone would leave doubt (an orphan, or a </tool_call>
// inside a value without its </parameter>). Where a tag cannot stand it is text all the same, because a tokenizer turns
// a tag that is merely quoted into the same token.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reply/reply_event.h"
#include "reply/tag_lexer.h"
#include "reply/tool_schema.h"

namespace moebius::internal {

struct ReplyFormat {
  bool may_call = false;  // false: tags of calls are text
  // True when the prompt left a think block open: its last <think> comes after its last </think>.
  bool starts_in_reasoning = false;
  std::vector<ToolSchema> tools;
  // Call n gets the id id_prefix + n. Ids must be unique in a conversation, so put something of the request in the
  // prefix.
  std::string id_prefix = "call_";
};

class ReplyParser {
 public:
  explicit ReplyParser(const ReplyFormat& format);
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;
  ReplyParser(ReplyParser&&) noexcept;
  ReplyParser& operator=(ReplyParser&&) noexcept;
  ~ReplyParser();

  std::vector<ReplyEvent> feed(std::string_view text);
  std::vector<ReplyEvent> feed_tag(Tag tag);     // one of the four that tag_of_token knows
  std::vector<ReplyEvent> finish(ReplyEnd end);  // once: what was held back; closes the arguments of every started call

  // True when the reply ends for its calls, and not because the model stopped: finish_reason "tool_calls".
  [[nodiscard]] bool has_calls() const;
  [[nodiscard]] uint64_t steps() const;  // bytes handled, each as often as it was: a measure of the work

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

// Parses a text that is whole already.
Reply parse_reply(const ReplyFormat& format, std::string_view text, ReplyEnd end = ReplyEnd::kByModel);

}  // namespace moebius::internal
