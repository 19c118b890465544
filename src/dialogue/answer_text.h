// Turns the ids of one answer into pieces of text. A piece comes as soon as it is certain: it has whole characters, and
// none of them is part of a stop string. A piece of a chat's answer also says whether it is thinking, text or a call of
// a tool. This file does not draw ids, nor does it know which ids end an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moebius/reply.h"
#include "moebius/request.h"
#include "reply/reply_parser.h"
#include "sample/stop_strings.h"
#include "tokenizer/stream_decoder.h"

namespace moebius::internal {

class AnswerText {
 public:
  // `reply` says how a chat's answer is read. Without it, the whole answer is content. The tokenizer must outlive this
  // object. Throws the errors of StopStrings.
  AnswerText(const Tokenizer& tokenizer, const std::optional<ReplyFormat>& reply, std::vector<std::string> stop);

  // Takes the next id and returns the text that is now certain. This text may come from earlier ids. A stop id has no
  // text, so it must not be fed. No id may be fed after stopped().
  std::vector<ReplyEvent> feed(int32_t id);
  // Whether a stop string has ended the answer.
  [[nodiscard]] bool stopped() const { return stop_strings_.match().has_value(); }
  // Returns the text that was held back. Must be called once. A call of a tool is whole when the model itself stopped;
  // any other end, or a stop string, may have cut it off.
  std::vector<ReplyEvent> finish(AnswerEnd end);

 private:
  std::vector<ReplyEvent> read(const std::string& text);

  const Tokenizer* tokenizer_;
  StreamDecoder decoder_;
  StopStrings stop_strings_;
  std::optional<ReplyParser> parser_;
};

}  // namespace moebius::internal
