// What a checkpoint's directory says about text: tokenizer, chat template, the token that ends a turn, the sampling its
// makers advise. Weights are not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sample/generation_defaults.h"
#include "template/chat_files.h"
#include "tokenizer/tokenizer.h"

namespace moebius::internal {

struct ModelText {
  Tokenizer tokenizer;
  ChatFiles chat;
  GenerationDefaults sampling;
  std::optional<int32_t> end_of_turn;  // eos_token of tokenizer_config.json

  // By the template that fits the request, with the checkpoint's special tokens and the time of now. Throws
  // kMissingInput when there is no template, and what ChatTemplate::render throws.
  [[nodiscard]] RenderedChat render(ChatRequest request) const;
};

// Throws kMissingInput naming the file that is not there, kPathEscape, and what the parsers throw.
ModelText load_model_text(const std::string& directory);
Tokenizer load_tokenizer(const std::string& directory);  // alone

// Ids that end an answer: those of config.json and generation_config.json (read_stop_ids), and end_of_turn.
// With the first alone, Qwen3.5 would run past its turn and invent the user's.
std::vector<int32_t> stop_ids(std::vector<int32_t> configured, const ModelText& text);

}  // namespace moebius::internal
