// top-k, top-p and min-p. sampler.h tells what each means and why they have this order.
#pragma once

#include <vector>

#include "sample/logit_scan.h"
#include "sample/sampling_options.h"

namespace moebius::internal {

// Finds the tokens that may be drawn, in no order. They are a prefix of the order of tokens, and never empty. Tokens of
// weight 0 may be missing. out is overwritten.
void keep_allowed(std::vector<Candidate>& out, const LogitScan& logits, const SamplingOptions& options);

}  // namespace moebius::internal
