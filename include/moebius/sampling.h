// How a token is chosen: the numbers that a user may set, their ranges, and the result of a choice.
// src/sample/sampler.h defines what each number does, and in which order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moebius {

struct LogitBias {
  int32_t id;
  float bias;
};

struct SamplingOptions {
  float temperature = 1;         // 0: the likeliest token
  int32_t top_k = 0;             // 0: off
  float top_p = 1;               // 1: off
  float min_p = 0;               // 0: off
  float repetition_penalty = 1;  // 1: off
  float presence_penalty = 0;
  float frequency_penalty = 0;
  std::vector<LogitBias> logit_bias = {};  // at most one entry for an id
  uint64_t seed = 0;
  int32_t logprobs = -1;  // how many of the likeliest tokens a Draw lists; -1: no log-probabilities at all
};

struct SamplingLimits {
  static constexpr float kTemperature = 100;
  static constexpr float kRepetitionMin = 0.01f, kRepetitionMax = 100;
  static constexpr float kPenalty = 2;  // presence and frequency penalties are in [-2, 2], as in OpenAI's API
  static constexpr float kBias = 100;   // a bias is in [-100, 100]
  static constexpr size_t kBiases = 1024;
  static constexpr int32_t kLogprobs = 20;
};

struct TokenLogprob {
  int32_t id;
  float logprob;
};

struct Draw {
  int32_t token = 0;
  float logprob = 0;                   // 0 unless it was asked for; -infinity when the logit is -infinity
  std::vector<TokenLogprob> top = {};  // the likeliest tokens, the likeliest first
};

}  // namespace moebius
