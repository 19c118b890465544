// What a model family is to the loader: the model_type strings that mean it and how it reads config.json; the forward
// pass is one for all (decoder.h). A new family is one file that defines one of these, and one line in registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "model/config_source.h"

namespace moebius::internal {

struct Family {
  std::string_view model_type;                 // the normalised name, ModelConfig::model_type
  std::span<const std::string_view> accepted;  // of config.json's root and of its text_config
  ModelConfig (*read_config)(const ConfigSource& source);
};

extern const Family kQwen3Moe;   // qwen3_moe.cpp
extern const Family kQwen3Next;  // qwen3_next.cpp
extern const Family kQwen35;     // qwen3_5.cpp
extern const Family kQwen35Moe;  // qwen3_5_moe.cpp

}  // namespace moebius::internal
