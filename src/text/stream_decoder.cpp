// Holding back the end of the text where a character is not whole.
#include "text/stream_decoder.h"

#include <array>
#include <utility>

#include "text/utf8_repair.h"

namespace moebius {
StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, Tokenizer::Special special)
    : tokenizer_(&tokenizer), special_(special) {}

std::string StreamDecoder::push(int32_t id) {
  held_ += tokenizer_->decode(std::array{id}, special_);
  const size_t ready = held_.size() - unfinished_utf8_bytes(held_);
  const std::string text = repaired_utf8({std::string_view(held_).substr(0, ready), {}}).text;
  held_.erase(0, ready);
  return text;
}

std::string StreamDecoder::finish() { return repaired_utf8({std::exchange(held_, {}), {}}).text; }

}  // namespace moebius
