// For tests: a ModelText without a checkpoint. The tokenizer has bytes, a few tags and a few merges, so that most texts
// have several tokenizations.
#pragma once

#include <string>
#include <vector>

#include "base/testing/temporary_directory.h"
#include "dialogue/model_text.h"
#include "dialogue/testing/chat_template.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal::testing {

inline ModelText small_text(const std::string& chat_template = kChatTemplate) {
  const Json tokenizer = small_file({{"a", "b"}, {"ab", "c"}, {"b", "c"}, {"a", "a"}, {"<", "|"}},
                                    {"<|im_start|>", "<|im_end|>", "<think>", "</think>"});
  const TemporaryDirectory folder;
  folder.write("tokenizer.json", tokenizer.dump());
  folder.write("tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");
  if (!chat_template.empty()) folder.write("chat_template.jinja", chat_template);
  return load_model_text(folder.path().string());
}

inline ModelText demo_text() { return load_model_text(MOEBIUS_SOURCE_DIR "/models/demo"); }

// Returns one token for each byte. The tokenizer never returns these ids for a text that it can merge.
inline std::vector<int32_t> byte_ids(const std::string& text, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (const char byte : text) ids.push_back(tokenizer.token_id(std::string(1, byte)).value_or(-1));
  return ids;
}

}  // namespace moebius::internal::testing
