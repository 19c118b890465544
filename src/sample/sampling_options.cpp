// The ranges of sampling options. A NaN is in no range.
#include "sample/sampling_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

template <typename Number>
void check_range(const char* field, Number value, Number min, Number max) {
  if (value >= min && value <= max) return;
  throw Error(ErrorCode::kUsage, field, fmt::format("expected a number from {} to {}, got {}", min, max, value));
}

void check_bias(const std::vector<LogitBias>& biases, int32_t vocab) {
  constexpr const char* kField = "logit_bias";
  if (biases.size() > SamplingLimits::kBiases) {
    throw Error(ErrorCode::kUsage, kField,
                fmt::format("expected at most {} ids, got {}", SamplingLimits::kBiases, biases.size()));
  }
  std::vector<int32_t> ids;
  for (const auto& [id, bias] : biases) {
    check_range("logit_bias: token id", id, 0, vocab - 1);
    check_range(fmt::format("logit_bias: bias of token {}", id).c_str(), bias, -SamplingLimits::kBias,
                SamplingLimits::kBias);
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) throw Error(ErrorCode::kUsage, kField, fmt::format("token {} is there twice", *twice));
}

}  // namespace

void check(const SamplingOptions& options, int32_t vocab) {
  using Limits = SamplingLimits;
  check_range("temperature", options.temperature, 0.0f, Limits::kTemperature);
  check_range("top_k", options.top_k, 0, std::numeric_limits<int32_t>::max());
  check_range("top_p", options.top_p, 0.0f, 1.0f);
  check_range("min_p", options.min_p, 0.0f, 1.0f);
  check_range("repetition_penalty", options.repetition_penalty, Limits::kRepetitionMin, Limits::kRepetitionMax);
  check_range("presence_penalty", options.presence_penalty, -Limits::kPenalty, Limits::kPenalty);
  check_range("frequency_penalty", options.frequency_penalty, -Limits::kPenalty, Limits::kPenalty);
  check_range("logprobs", options.logprobs, -1, Limits::kLogprobs);
  check_bias(options.logit_bias, vocab);
}

}  // namespace moebius::internal
