// What changes logits before the temperature: bias and penalties. sampler.h tells their order.
#pragma once

#include <span>

#include "sample/sampling_options.h"
#include "sample/token_counts.h"

namespace moebius::internal {

// Tells whether adjust would change anything, whatever the history.
bool adjusts(const SamplingOptions& options);

// logits: [V]. Skips tokens of the history from V on, because a prompt of raw ids may hold padding.
void adjust(std::span<float> logits, const SamplingOptions& options, const History& history);

}  // namespace moebius::internal
