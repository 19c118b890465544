// The range of every option, from both sides.
#include "sample/sampling_options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

constexpr int32_t kVocab = 10;

TEST(SamplingOptions, accept_both_ends_of_every_range) {
  SamplingOptions low{.temperature = 0,
                      .top_p = 0,
                      .repetition_penalty = 0.01f,
                      .presence_penalty = -2,
                      .frequency_penalty = -2,
                      .logit_bias = {{0, -100}, {9, 100}},
                      .logprobs = -1};
  EXPECT_NO_THROW(check(low, kVocab));
  SamplingOptions high{.temperature = 100,
                       .top_k = INT32_MAX,
                       .top_p = 1,
                       .min_p = 1,
                       .repetition_penalty = 100,
                       .presence_penalty = 2,
                       .frequency_penalty = 2,
                       .seed = UINT64_MAX,
                       .logprobs = 20};
  EXPECT_NO_THROW(check(high, kVocab));
}

TEST(SamplingOptions, refuse_what_is_out_of_range_naming_the_field) {
  struct Row {
    const char* field;
    const char* range;
    std::function<void(SamplingOptions&)> change;
  };
  const Row rows[] = {
      {"temperature", "from 0 to 100", [](auto& o) { o.temperature = -0.1f; }},
      {"temperature", "from 0 to 100", [](auto& o) { o.temperature = 101; }},
      {"top_k", "from 0 to", [](auto& o) { o.top_k = -1; }},
      {"top_p", "from 0 to 1", [](auto& o) { o.top_p = -0.01f; }},
      {"top_p", "from 0 to 1", [](auto& o) { o.top_p = 1.01f; }},
      {"min_p", "from 0 to 1", [](auto& o) { o.min_p = -0.01f; }},
      {"min_p", "from 0 to 1", [](auto& o) { o.min_p = 1.01f; }},
      {"repetition_penalty", "from 0.01 to 100", [](auto& o) { o.repetition_penalty = 0; }},
      {"repetition_penalty", "from 0.01 to 100", [](auto& o) { o.repetition_penalty = 101; }},
      {"presence_penalty", "from -2 to 2", [](auto& o) { o.presence_penalty = -2.1f; }},
      {"presence_penalty", "from -2 to 2", [](auto& o) { o.presence_penalty = 2.1f; }},
      {"frequency_penalty", "from -2 to 2", [](auto& o) { o.frequency_penalty = -2.1f; }},
      {"frequency_penalty", "from -2 to 2", [](auto& o) { o.frequency_penalty = 2.1f; }},
      {"logprobs", "from -1 to 20", [](auto& o) { o.logprobs = -2; }},
      {"logprobs", "from -1 to 20", [](auto& o) { o.logprobs = 21; }},
      {"logit_bias: token id", "from 0 to 9", [](auto& o) { o.logit_bias = {{-1, 0}}; }},
      {"logit_bias: token id", "from 0 to 9", [](auto& o) { o.logit_bias = {{kVocab, 0}}; }},
      {"logit_bias: bias of token 3", "from -100 to 100", [](auto& o) { o.logit_bias = {{3, 100.5f}}; }},
      {"logit_bias", "token 3 is there twice", [](auto& o) { o.logit_bias = {{3, 1}, {4, 1}, {3, 2}}; }},
      {"logit_bias", "at most 1024 ids, got 1025", [](auto& o) { o.logit_bias.resize(1025); }},
  };
  for (const Row& row : rows) {
    SamplingOptions options;
    row.change(options);
    testing::expect_error(ErrorCode::kUsage, std::string(row.field) + ": ", [&] { check(options, kVocab); });
    testing::expect_error(ErrorCode::kUsage, row.range, [&] { check(options, kVocab); });
  }
}

TEST(SamplingOptions, refuse_a_nan_and_an_infinity_in_every_field) {
  float SamplingOptions::* const fields[] = {&SamplingOptions::temperature,
                                             &SamplingOptions::top_p,
                                             &SamplingOptions::min_p,
                                             &SamplingOptions::repetition_penalty,
                                             &SamplingOptions::presence_penalty,
                                             &SamplingOptions::frequency_penalty};
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    for (const auto field : fields) {
      SamplingOptions options;
      options.*field = bad;
      testing::expect_error(ErrorCode::kUsage, "expected a number", [&] { check(options, kVocab); });
    }
    SamplingOptions options;
    options.logit_bias = {{0, bad}};
    testing::expect_error(ErrorCode::kUsage, "expected a number", [&] { check(options, kVocab); });
  }
}

}  // namespace
}  // namespace moebius::internal
