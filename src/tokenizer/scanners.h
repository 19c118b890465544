// The published split patterns as loops: each function tells where the piece that begins here ends. It looks at a
// character at most a few times, so splitting is linear whatever the text. splitter.cpp lists the patterns that have a
// scanner.
#pragma once

#include <cstddef>
#include <string_view>

#include "tokenizer/char_classes.h"

namespace moebius::internal {

// The differences between the patterns of Qwen2 to Qwen3.6, Llama 3 and cl100k.
struct WordRules {
  CharClass word;     // letters, or letters and marks
  int number_digits;  // the n of \p{N}{1,n}
};

// Returns the end of the piece that begins at text[at]. The text is valid UTF-8, and at < text.size().
size_t word_piece_end(std::string_view text, size_t at, const WordRules& rules);
size_t gpt2_piece_end(std::string_view text, size_t at);

}  // namespace moebius::internal
