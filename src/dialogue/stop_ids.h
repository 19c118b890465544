// Reads the token ids that end an answer.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/model_dir.h"

namespace moebius::internal {

// Returns the ascending union of eos_token_id of config.json, its text_config and generation_config.json. In published
// checkpoints each of the three alone misses an id, and a model that runs past its turn invents the user's turn. Throws
// kBadConfig, which names the field.
std::vector<int32_t> read_stop_ids(const ModelDir& directory, int64_t vocab);

}  // namespace moebius::internal
