// The sampling flags, which the commands that write answers share. Where a flag is not given, generation_config.json
// decides for a chat, and greedy decoding is used for everything else.
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

// Throws kUsage for impossible values, before weights are read. `vocab` is the number of ids that may get a bias.
void check_sampling_flags(const SamplingFlags& flags, int32_t vocab);
// Returns a request with sampling, stop strings and length. The flags override the defaults. Without --seed the seed is
// random. Every report names the seed, so that an answer can be reproduced.
Request request_of(const SamplingFlags& flags, const SamplingOptions& defaults);

}  // namespace moebius::internal::apps
