// How a token is chosen: the numbers a user may set, the range of each, and what is told of a choice. What they do, and
// in which order, stands in src/sample/sampler.h.
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
  std::vector<LogitBias> logit_bias = {};  // one entry an id
  uint64_t seed = 0;
  int32_t logprobs = -1;  // likeliest tokens told beside the drawn one; -1: no logprobs at all
};

struct SamplingLimits {
  static constexpr float kTemperature = 100;
  static constexpr float kRepetitionMin = 0.01f, kRepetitionMax = 100;
  static constexpr float kPenalty = 2;  // of presence and frequency, both ways, as OpenAI has it
  static constexpr float kBias = 100;   // both ways
  static constexpr size_t kBiases = 1024;
  static constexpr int32_t kLogprobs = 20;
};

struct TokenLogprob {
  int32_t id;
  float logprob;
};

struct Draw {
  int32_t token = 0;
  float logprob = 0;                   // 0 unless asked for; -infinity for a token whose logit is
  std::vector<TokenLogprob> top = {};  // the likeliest tokens, the likeliest first
};

}  // namespace moebius
