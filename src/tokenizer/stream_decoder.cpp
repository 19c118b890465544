// See stream_decoder.h.
#include "tokenizer/stream_decoder.h"

#include <array>

namespace moebius::internal {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, Tokenizer::Special special)
    : tokenizer_(&tokenizer), special_(special) {}

std::string StreamDecoder::push(int32_t id) { return repair_.feed(tokenizer_->decode(std::array{id}, special_)); }

std::string StreamDecoder::finish() { return repair_.finish(); }

}  // namespace moebius::internal
