// Checks that sampling options are in range. The options themselves are public: moebius/sampling.h.
#pragma once

#include <cstdint>

#include "moebius/sampling.h"

namespace moebius::internal {

// Throws kUsage naming the field and its range. vocab: ids in use, [0, vocab).
void check(const SamplingOptions& options, int32_t vocab);

}  // namespace moebius::internal
