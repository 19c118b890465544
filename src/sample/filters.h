// top-k, top-p and min-p. What each means, and why in this order: sampler.h.
#pragma once

#include <vector>

#include "sample/logit_scan.h"
#include "sample/sampling_options.h"

namespace moebius::internal {

// The tokens that may be drawn, in no order: a prefix of the order of tokens, never empty. Tokens of weight 0 may be
// missing. out is overwritten.
void keep_allowed(std::vector<Candidate>& out, const LogitScan& logits, const SamplingOptions& options);

}  // namespace moebius::internal
