// Implements the text of answers. The text passes through a decoder, the stop strings and a parser. Each of them holds
// back text that is not certain yet.
#include "dialogue/answer_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace moebius::internal {

AnswerText::AnswerText(const Tokenizer& tokenizer, const std::optional<ReplyFormat>& reply,
                       std::vector<std::string> stop)
    : tokenizer_(&tokenizer), decoder_(tokenizer), stop_strings_(std::move(stop)) {
  if (reply) parser_.emplace(*reply);
}

std::vector<ReplyEvent> AnswerText::read(const std::string& text) {
  if (parser_) return parser_->feed(text);
  if (text.empty()) return {};
  return {{.kind = ReplyEvent::Kind::kContent, .call = -1, .text = text, .id = ""}};
}

std::vector<ReplyEvent> AnswerText::feed(int32_t id) {
  const std::string text = stop_strings_.feed(decoder_.push(id));
  // A tag that the model wrote as one token is certainly a tag. When earlier text was held back, the tag arrives
  // together with this text, and the parser recognizes it by its spelling only.
  const bool is_whole = text == tokenizer_->token_text(id);
  const std::optional<Tag> tag = parser_ && is_whole ? tag_of_token(text) : std::nullopt;
  return tag ? parser_->feed_tag(*tag) : read(text);
}

std::vector<ReplyEvent> AnswerText::finish(AnswerEnd end) {
  std::string text = stop_strings_.feed(decoder_.finish());
  text += stop_strings_.finish();
  std::vector<ReplyEvent> events = read(text);
  const ReplyEnd reply_end = end == AnswerEnd::kStop && !stopped() ? ReplyEnd::kByModel : ReplyEnd::kCut;
  if (parser_) std::ranges::move(parser_->finish(reply_end), std::back_inserter(events));
  return events;
}

}  // namespace moebius::internal
