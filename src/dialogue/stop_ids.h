// The token ids that end an answer.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/model_dir.h"

namespace moebius::internal {

// Ascending union of eos_token_id of config.json, its text_config and generation_config.json: each alone misses one in
// published checkpoints, and a model that runs past its turn invents the user's. Throws kBadConfig naming the field.
std::vector<int32_t> read_stop_ids(const ModelDir& directory, int64_t vocab);

}  // namespace moebius::internal
