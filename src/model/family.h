// A model family as the loader sees it: the model_type strings that mean the family, and its reader of config.json. All
// families share one forward pass (decoder.h). A new family takes one file that defines a Family, and one line in
// registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "model/config_source.h"

namespace moebius::internal {

struct Family {
  std::string_view model_type;                 // the normalised name, ModelConfig::model_type
  std::span<const std::string_view> accepted;  // model_type strings in config.json, at its root and in text_config
  ModelConfig (*read_config)(const ConfigSource& source);
};

extern const Family kQwen3Moe;   // qwen3_moe.cpp
extern const Family kQwen3Next;  // qwen3_next.cpp
extern const Family kQwen35;     // qwen3_5.cpp
extern const Family kQwen35Moe;  // qwen3_5_moe.cpp

}  // namespace moebius::internal
