// Ids one by one to text that can be shown: whole UTF-8 characters only. A character whose bytes lie in several tokens
// is held back until it is whole; bytes that can never become one are U+FFFD, as in a decode of the whole by the
// `tokenizers` wheel. The pieces together are that decode, whatever the ids.
#pragma once

#include <string>

#include "base/utf8_repair.h"
#include "tokenizer/tokenizer.h"

namespace moebius::internal {

class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, Tokenizer::Special special = Tokenizer::Special::kKeep);

  // The text that this id completes; may be empty. Throws kUsage for an id that is no token's.
  std::string push(int32_t id);
  // What is still held back, as U+FFFD. The decoder is then as new.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  Tokenizer::Special special_;
  Utf8Repair repair_;
};

}  // namespace moebius::internal
