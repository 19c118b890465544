// The ids of one answer to the pieces of its text, each as soon as it is certain: whole characters, none of them part
// of a stop string; those of a chat know whether they are thinking, text or a call of a tool. Not here: which ids end
// an answer, drawing them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moebius/reply.h"
#include "reply/reply_parser.h"
#include "sample/stop_strings.h"
#include "tokenizer/stream_decoder.h"

namespace moebius::internal {

class AnswerText {
 public:
  // reply: how a chat's answer is read; none: all of it is content. The tokenizer outlives it. Throws what StopStrings
  // throws.
  AnswerText(const Tokenizer& tokenizer, const std::optional<ReplyFormat>& reply, std::vector<std::string> stop);

  // What the id made certain; may belong to earlier ones. A stop id is no text: do not feed it. Nothing after
  // stopped().
  std::vector<ReplyEvent> feed(int32_t id);
  [[nodiscard]] bool stopped() const { return stop_strings_.match().has_value(); }  // by a stop string
  // What was held back. Once, however the answer ended.
  std::vector<ReplyEvent> finish();

 private:
  std::vector<ReplyEvent> read(const std::string& text);

  const Tokenizer* tokenizer_;
  StreamDecoder decoder_;
  StopStrings stop_strings_;
  std::optional<ReplyParser> parser_;
};

}  // namespace moebius::internal
