// The flags of sampling, shared by the commands that write answers. A flag that is not given leaves the choice to
// generation_config.json where a chat is asked for, and to greedy decoding elsewhere.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moebius/request.h"

namespace moebius::internal::apps {

struct SamplingFlags {
  std::optional<float> temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<int32_t> top_k;
  std::optional<uint64_t> seed;
  std::vector<std::string> logit_bias;  // ID=BIAS
  std::vector<std::string> stop;
  int64_t max_tokens = 128;
};

void add_sampling_flags(CLI::App& command, SamplingFlags& flags);

// Throws kUsage for what cannot be, before weights are read. vocab: ids that may be biased.
void check_sampling_flags(const SamplingFlags& flags, int32_t vocab);
// Flags over defaults: sampling, stop strings and length of a request. Without --seed it is a random one, and told in
// every report, so that an answer can be had again.
Request request_of(const SamplingFlags& flags, const SamplingOptions& defaults);

}  // namespace moebius::internal::apps
