// The facts of a tokenizer's files: which form of byte-level BPE they describe, its vocabulary, merges and added
// tokens. A setting that would change ids and has no place here is refused, and the error names the field. tokenizer.h
// turns text into ids.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/merges.h"
#include "tokenizer/tokenizer_texts.h"
#include "tokenizer/vocabulary.h"

namespace moebius::internal {

struct TokenizerFile {
  enum class Normalizer { kNone, kNfc };

  Normalizer normalizer = Normalizer::kNone;
  std::string pattern;  // cuts text into pieces; GPT-2's when ByteLevel splits by itself
  std::string pattern_where;
  bool ignores_merges = false;
  Vocabulary vocabulary;
  std::array<int32_t, 256> byte_ids{};  // the token of each byte
  std::vector<Merge> merges;            // by rank
  struct Added {
    AddedToken token;
    bool in_normalized_text = false;  // true: looked for behind the normalizer
    std::string searched;             // the form of the content that is looked for
  };
  std::vector<Added> added;  // in the order of the files; ids that the vocabulary lacks follow it without a gap

  // There is a tokenizer.json, or else vocab.json and merges.txt. Throws kBadTokenizer naming the file and the field.
  static TokenizerFile parse(const TokenizerTexts& texts);
};

}  // namespace moebius::internal
