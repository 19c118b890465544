// Turns ids, one by one, into text that can be shown: whole UTF-8 characters only. A character whose bytes lie in
// several tokens is held back until it is whole. Bytes that can never become a character are U+FFFD. For any ids, the
// pieces together are the text that the `tokenizers` wheel decodes from all of the ids at once.
#pragma once

#include <string>

#include "base/utf8_repair.h"
#include "tokenizer/tokenizer.h"

namespace moebius::internal {

class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, Tokenizer::Special special = Tokenizer::Special::kKeep);

  // Returns the text that this id completes, which may be empty. Throws kUsage for an id that no token has.
  std::string push(int32_t id);
  // Returns what is still held back, as U+FFFD. Afterwards the decoder is as new.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  Tokenizer::Special special_;
  Utf8Repair repair_;
};

}  // namespace moebius::internal
