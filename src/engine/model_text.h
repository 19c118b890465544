// What a checkpoint's directory says about text: tokenizer, chat template, the ids that end an answer, the sampling its
// makers advise. Weights are not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moebius/engine.h"
#include "sample/generation_defaults.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "text/tool_format.h"

namespace moebius {

struct ModelText {
  std::string directory;
  Tokenizer tokenizer;
  std::optional<int32_t> end_of_turn;  // eos_token of tokenizer_config.json
  GenerationDefaults sampling;
  std::optional<ChatTemplate> chat;  // none: a model that only continues text
  ToolFormat tool_format = ToolFormat::kNone;

  // The template. Throws kMissingInput when there is none.
  const ChatTemplate& chat_template() const;
};

// Throws kMissingInput naming the file (config.json, tokenizer.json), kPathEscape, and what the parsers throw.
ModelText load_model_text(const std::string& directory);
Tokenizer load_tokenizer(const std::string& directory);  // alone

// Ids that end an answer: those of config.json and generation_config.json, which the engine has read, and end_of_turn.
// With the first alone, Qwen3.5 would run past its turn and invent the user's.
std::vector<int32_t> stop_ids(const Engine& engine, const ModelText& text);

}  // namespace moebius
