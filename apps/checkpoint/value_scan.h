// Reads the tensors of a checkpoint and counts values that are not finite, and zeros. An unfinished or damaged download
// is full of zeros where nothing was written. Codes of quantized tensors are integers, so they are always finite.
// Scales and biases may be not finite. Every load checks the scales of mxfp4 (model/row_sources.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "checkpoint/model_dir.h"

namespace moebius::internal::apps {

enum class Coverage : uint8_t {
  kSample,  // a few pieces of every tensor, in a second or two
  kAll,     // every value; the slow audit behind `doctor --scan`
};

struct ValueScan {
  uint64_t bytes = 0;          // that were read
  uint64_t float_tensors = 0;  // the other tensors have codes
  uint64_t bad_values = 0;     // not finite
  uint64_t bad_tensors = 0;
  std::string first_bad;     // file and tensor
  uint64_t matrices = 0;     // tensors of two or more dimensions; biases of codes may be zero and do not count
  uint64_t mostly_zero = 0;  // matrices more than half of whose values are zero
  std::string first_zero;    // file and tensor
};

uint64_t scan_bytes(const ModelDir& directory, Coverage coverage);
ValueScan scan_values(const ModelDir& directory, Coverage coverage,
                      const std::function<void(uint64_t done_bytes)>& progress);

}  // namespace moebius::internal::apps
