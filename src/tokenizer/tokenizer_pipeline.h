// Reads or refuses the small fields of a tokenizer.json: normalizer, pre_tokenizer, post_processor, decoder and the
// switches of model. Where vocab.json stands in its place, the family decides them. tokenizer_file.cpp reads the
// vocabulary and the merges.
#pragma once

#include "base/json.h"
#include "tokenizer/tokenizer_file.h"

namespace moebius::internal {

constexpr const char* kTokenizerHint = "use the tokenizer files of the published model, as they were downloaded";

// Fills normalizer, pattern and ignores_merges. Throws kBadTokenizer, or kBadConfig when a field has the wrong type.
void read_pipeline(const JsonObject& root, TokenizerFile& file);

// Fills them as the tokenizer class of the model's family does: Qwen2Tokenizer or Qwen3_5Tokenizer of `transformers`.
// `texts` has no tokenizer.json. Throws kBadTokenizer for another class.
void set_family_pipeline(const TokenizerTexts& texts, TokenizerFile& file);

}  // namespace moebius::internal
