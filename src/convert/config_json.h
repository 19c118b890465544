// Makes the config.json of a model in the form that Hugging Face publishes for its family.
#pragma once

#include "base/json.h"
#include "model/config.h"

namespace moebius::internal {

// parse_model_config reads the same facts back.
Json config_json(const ModelConfig& config);

}  // namespace moebius::internal
