// What generation_config.json says about sampling: the settings that a model's makers advise. What the user asks for
// goes first: start from with_defaults, then let flags or a request overwrite. The same file names the ids that end an
// answer; dialogue/stop_ids.h is for them.
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

// Throws kBadConfig naming the field, when a field has another type or is out of the range of SamplingOptions. Other
// fields are not looked at. null means absent.
GenerationDefaults read_generation_defaults(const JsonObject& generation_config);

// Returns SamplingOptions with what the file says. A setting that the file does not have is off. (transformers has
// top_k 50 for a file without one; vLLM and mlx-lm do not.) do_sample false means temperature 0. An absent do_sample
// means nothing, as for vLLM and mlx-lm.
SamplingOptions with_defaults(const GenerationDefaults& defaults);

}  // namespace moebius::internal
