// The published shapes that `synth` can make. Facts only; the config.json that describes a shape: config_json.h.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace moebius::internal {

std::vector<std::string> preset_names();
std::string preset_list();  // the names with commas, for messages

// Throws kUsage with the list of names.
ModelConfig preset_config(const std::string& preset);

// Cuts or extends to this many layers; every fourth one is full attention, all of them in a model without linear ones.
void set_layers(ModelConfig& config, int64_t layers);

}  // namespace moebius::internal
