// The published shapes that `synth` can make, and the config.json that describes such a shape. Facts only.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/config.h"

namespace moebius {

std::vector<std::string> preset_names();
std::string preset_list();  // the names with commas, for messages

// Throws kUsage with the list of names.
ModelConfig preset_config(const std::string& preset);

// Cuts or extends to this many layers; every fourth one is full attention.
void set_layers(ModelConfig& config, int64_t layers);

// As Hugging Face writes it for Qwen3_5MoeForConditionalGeneration; parse_model_config reads the same facts back.
Json config_json(const ModelConfig& config);

}  // namespace moebius
