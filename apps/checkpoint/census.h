// Counts what a checkpoint holds from the headers of its files: parameters, formats, expert forms, and groups of
// similar tensors. This file reads no weights and prints nothing; `inspect` and `doctor` show the census.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/model_dir.h"
#include "model/config.h"

namespace moebius::internal::apps {

// Modules of one kind: their names differ in numbers only, their formats and shapes are equal.
struct ModuleGroup {
  std::string pattern;         // "model.layers.*.mlp.switch_mlp.gate_proj"
  std::string format;          // "3 bits, group 64, BF16 scales", "mxfp4" or "BF16"
  std::vector<int64_t> shape;  // logical shape, inputs last; not the shape of the packed codes
  int64_t count = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;  // scales and biases included
};

struct Census {
  uint64_t parameters = 0;         // parameters of the language model
  uint64_t active_parameters = 0;  // parameters that one token multiplies with
  uint64_t bytes = 0;
  uint64_t draft_parameters = 0;  // parameters of the tensors mtp.*
  uint64_t draft_bytes = 0;
  int64_t files = 0;
  std::map<std::string, int64_t> expert_forms;  // name of the form -> number of layers; dense layers have no form
  std::vector<ModuleGroup> modules;

  [[nodiscard]] double bits_per_weight() const;
};

Census take_census(const ModelDir& directory, const ModelConfig& config);

}  // namespace moebius::internal::apps
