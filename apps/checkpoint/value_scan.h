// Reads every float tensor of a checkpoint once and counts values that are not finite. This is the slow, complete audit
// behind `doctor --scan`. Codes of quantized tensors are integers, so they are always finite. Scales and biases may be
// not finite. Every load checks the scales of mxfp4 (model/row_sources.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "checkpoint/model_dir.h"

namespace moebius::internal::apps {

struct ValueScan {
  uint64_t tensors = 0;
  uint64_t bytes = 0;
  uint64_t bad_values = 0;
  uint64_t bad_tensors = 0;
  std::string first_bad;  // file and tensor
};

uint64_t float_bytes(const ModelDir& directory);
ValueScan scan_values(const ModelDir& directory, const std::function<void(uint64_t done_bytes)>& progress);

}  // namespace moebius::internal::apps
