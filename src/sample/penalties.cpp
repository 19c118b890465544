// Bias and penalties. Each token is changed by itself, so the order in which the history lists them does not matter.
#include "sample/penalties.h"

namespace moebius::internal {
namespace {

bool penalizes(const SamplingOptions& options) {
  return options.repetition_penalty != 1 || options.presence_penalty != 0 || options.frequency_penalty != 0;
}

float penalized(float logit, TokenCounts::Count count, const SamplingOptions& options) {
  logit = logit < 0 ? logit * options.repetition_penalty : logit / options.repetition_penalty;
  if (count.generated == 0) return logit;
  logit = logit - options.frequency_penalty * static_cast<float>(count.generated);
  return logit - options.presence_penalty;
}

}  // namespace

bool adjusts(const SamplingOptions& options) { return !options.logit_bias.empty() || penalizes(options); }

void adjust(std::span<float> logits, const SamplingOptions& options, const History& history) {
  for (const auto& [id, bias] : options.logit_bias) logits[static_cast<size_t>(id)] += bias;
  if (!penalizes(options)) return;
  history.for_each([&](int32_t id, TokenCounts::Count count) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) return;
    float& logit = logits[static_cast<size_t>(id)];
    logit = penalized(logit, count, options);
  });
}

}  // namespace moebius::internal
