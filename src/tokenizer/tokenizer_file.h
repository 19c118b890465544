// tokenizer.json as facts: which form of byte-level BPE it describes, its vocabulary, merges and added tokens. Whatever
// would change ids and has no place here is refused by name. Not here: how text becomes ids (tokenizer.h).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/merges.h"
#include "tokenizer/vocabulary.h"

namespace moebius::internal {

struct TokenizerFile {
  enum class Normalizer { kNone, kNfc };

  Normalizer normalizer = Normalizer::kNone;
  std::string pattern;  // of the pieces; the GPT-2 one when ByteLevel splits by itself
  std::string pattern_where;
  bool ignores_merges = false;
  Vocabulary vocabulary;
  std::array<int32_t, 256> byte_ids{};  // the token of each byte
  std::vector<Merge> merges;            // by rank
  struct Added {
    AddedToken token;
    bool in_normalized_text = false;  // is looked for behind the normalizer,
    std::string searched;             // in this form
  };
  std::vector<Added> added;  // as in the file; ids that the vocabulary has not follow on it without a gap

  // where: the file, for messages. Throws kBadTokenizer naming the field.
  static TokenizerFile parse(std::string_view json, const std::string& where);
};

}  // namespace moebius::internal
