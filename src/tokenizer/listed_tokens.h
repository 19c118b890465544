// The added tokens of a tokenizer, as its files list them: tokenizer.json, and the older files beside it that name
// tokens too. `transformers` adds the tokens of those files when it loads a tokenizer. The ids of tokens are not
// decided here, because they depend on the vocabulary (tokenizer_file.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/tokenizer_texts.h"

namespace moebius::internal {

struct ListedToken {
  AddedToken token;                  // without its id
  std::optional<int32_t> stated_id;  // the id that the file gives
  bool in_normalized_text = false;   // looked for behind the normalizer
  std::string where;                 // file and field, for messages
};

constexpr int32_t kMaxIds = 4 << 20;

// Returns the tokens of added_tokens of a tokenizer.json. Throws kBadTokenizer or kBadConfig, which name the field.
std::vector<ListedToken> listed_tokens(const JsonObject& tokenizer);

// Appends the tokens that the other files name and the list lacks, as PreTrainedTokenizerFast of `transformers` adds
// them:
//   1. added_tokens_decoder of tokenizer_config.json, by ascending ids. The flags of a token there replace those in the
//      list. Where there is no such field, the tokens of added_tokens.json, and the fields of special_tokens_map.json
//      replace those of tokenizer_config.json;
//   2. the fields NAME_token of tokenizer_config.json;
//   3. extra_special_tokens or additional_special_tokens of tokenizer_config.json.
// Where there is no tokenizer.json, unk_token, eos_token and pad_token are <|endoftext|> unless a file says otherwise,
// as in Qwen2Tokenizer. Throws kBadTokenizer, kBadConfig, or the errors of parse_json, which name file and field.
void add_configured_tokens(std::vector<ListedToken>& list, const TokenizerTexts& texts);

}  // namespace moebius::internal
