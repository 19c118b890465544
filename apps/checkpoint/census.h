// What a checkpoint holds, counted from headers: parameters, formats, expert forms, tensors alike put together. Reads
// no weights and prints nothing; `inspect` and `doctor` show it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/model_dir.h"
#include "model/config.h"

namespace moebius::internal::apps {

// Modules of one kind: equal names but for numbers, equal format, equal shape.
struct ModuleGroup {
  std::string pattern;         // "model.layers.*.mlp.switch_mlp.gate_proj"
  std::string format;          // "3 bits, group 64, BF16 scales", "mxfp4" or "BF16"
  std::vector<int64_t> shape;  // logical: inputs last, not words of codes
  int64_t count = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;  // scales and biases included
};

struct Census {
  uint64_t parameters = 0;         // of the language model
  uint64_t active_parameters = 0;  // that one token multiplies with
  uint64_t bytes = 0;
  uint64_t draft_parameters = 0;  // mtp.*
  uint64_t draft_bytes = 0;
  int64_t files = 0;
  std::map<std::string, int64_t> expert_forms;  // "stacked" -> layers; dense layers have none
  std::vector<ModuleGroup> modules;

  [[nodiscard]] double bits_per_weight() const;
};

Census take_census(const ModelDir& directory, const ModelConfig& config);

}  // namespace moebius::internal::apps
