// The published split patterns as loops: where does the piece that begins here end? Each looks at a character at most
// a few times, so that splitting is linear whatever the text. Not here: which pattern has a scanner (splitter.cpp).
#pragma once

#include <cstddef>
#include <string_view>

#include "tokenizer/char_classes.h"

namespace moebius::internal {

// What the patterns of Qwen2 to Qwen3.6, Llama 3 and cl100k differ in.
struct WordRules {
  CharClass word;     // letters, or letters and marks
  int number_digits;  // of \p{N}{1,n}
};

// End of the piece of valid UTF-8 that begins at text[at], at < text.size().
size_t word_piece_end(std::string_view text, size_t at, const WordRules& rules);
size_t gpt2_piece_end(std::string_view text, size_t at);

}  // namespace moebius::internal
