// Reads what a checkpoint's directory has about text: the tokenizer, the chat template, the tokens that end a turn, and
// the sampling options that its makers advise. This file does not read the weights.
#pragma once

#include <cstdint>
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
  // The tokens that end a turn: eos_token of tokenizer_config.json, and what the template itself writes behind an
  // answer (end_of_turn.h). No id is there twice.
  std::vector<int32_t> ends_of_turn;

  // Renders the request with the chat template that fits it, the checkpoint's special tokens and the present time.
  // Throws kMissingInput when there is no template, and the errors of ChatTemplate::render.
  [[nodiscard]] RenderedChat render(ChatRequest request) const;
};

// Throws kMissingInput, which names the missing file, kPathEscape, and the errors of the parsers.
ModelText load_model_text(const std::string& directory);
Tokenizer load_tokenizer(const std::string& directory);  // reads only the tokenizer
// Whether there is a tokenizer at all: a tokenizer.json, or a vocab.json and a merges.txt.
bool has_tokenizer(const std::string& directory);

// Returns the ids that end an answer: the `configured` ids of config.json and generation_config.json (read_stop_ids),
// and ends_of_turn. With the configured ids alone, Qwen3.5 would run past its turn and invent the user's turn.
std::vector<int32_t> stop_ids(std::vector<int32_t> configured, const ModelText& text);

}  // namespace moebius::internal
