// Decides which blanks of a running text are sent.
#include "reply/reply_text.h"

#include <algorithm>

namespace moebius::internal {

void ReplyText::add(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(rules_.blanks), text.size());
  blank_ += text.substr(0, begin);
  if (begin == text.size()) return;
  if (is_empty_ && is_beside_tag_) blank_.erase(0, blank_.find_first_not_of('\n'));
  const size_t end = text.find_last_not_of(rules_.blanks) + 1;
  events_->text(rules_.kind, blank_);
  events_->text(rules_.kind, text.substr(begin, end - begin));
  blank_ = text.substr(end);
  is_empty_ = false;
  is_beside_tag_ = false;
}

void ReplyText::tag() {
  if (is_beside_tag_) blank_.resize(before_tag_);
  before_tag_ = blank_.size();
  is_beside_tag_ = true;
}

void ReplyText::finish() {
  if (!is_beside_tag_) events_->text(rules_.kind, blank_);
}

}  // namespace moebius::internal
