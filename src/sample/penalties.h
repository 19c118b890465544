// What changes logits before the temperature: bias and penalties. The order is told in sampler.h.
#pragma once

#include <span>

#include "sample/sampling_options.h"
#include "sample/token_counts.h"

namespace moebius::internal {

// Whether adjust would change anything, whatever the history.
bool adjusts(const SamplingOptions& options);

// logits: [V]. Tokens of the history from V on are passed over: a prompt of raw ids may hold padding.
void adjust(std::span<float> logits, const SamplingOptions& options, const History& history);

}  // namespace moebius::internal
