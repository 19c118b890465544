// Reads or refuses the small fields of a tokenizer.json: normalizer, pre_tokenizer, post_processor, decoder and the
// switches of model. tokenizer_file.cpp reads the vocabulary, the merges and the added tokens.
#pragma once

#include "base/json.h"
#include "tokenizer/tokenizer_file.h"

namespace moebius::internal {

constexpr const char* kTokenizerHint = "use the tokenizer.json of the published model, as it was downloaded";

// Fills normalizer, pattern and ignores_merges. Throws kBadTokenizer, or kBadConfig when a field has the wrong type.
void read_pipeline(const JsonObject& root, TokenizerFile& file);

}  // namespace moebius::internal
