// What generation_config.json says about sampling: the settings a model's makers advise. They stand below what the user
// asks for: start from with_defaults, then let flags or a request overwrite. The ids that end an answer are in the same
// file and not here (dialogue/stop_ids.h).
#pragma once

#include <optional>

#include "base/json.h"
#include "sample/sampling_options.h"

namespace moebius::internal {

struct GenerationDefaults {
  std::optional<bool> do_sample;
  std::optional<float> temperature;
  std::optional<int32_t> top_k;  // -1 in the file is 0 here: off
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::optional<float> presence_penalty;
  std::optional<float> frequency_penalty;
};

// Throws kBadConfig naming the field, when one has another type or is out of the range of SamplingOptions. Other fields
// are not looked at; null is absent.
GenerationDefaults read_generation_defaults(const JsonObject& generation_config);

// SamplingOptions with what the file says; what it does not say is off. (transformers has top_k 50 for a file without
// one, vLLM and mlx-lm do not.) do_sample false is temperature 0; absent, it means nothing, as for vLLM and mlx-lm.
SamplingOptions with_defaults(const GenerationDefaults& defaults);

}  // namespace moebius::internal
