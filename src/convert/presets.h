// The published shapes that `synth` can make. Only facts live here; config_json.h makes the config.json that describes
// a shape.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace moebius::internal {

std::vector<std::string> preset_names();
std::string preset_list();  // the names with commas, for messages

// Throws kUsage with the list of names when no preset has this name.
ModelConfig preset_config(const std::string& preset);

// Cuts or extends the model to this many layers. Every fourth layer is full attention. In a model without linear
// layers, all layers are.
void set_layers(ModelConfig& config, int64_t layers);

}  // namespace moebius::internal
