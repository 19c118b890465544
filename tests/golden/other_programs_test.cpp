// Promise 1: the logits differ from those of transformers in fp32 by at most 1e-3 * max(1, their standard deviation).
// Quantized checkpoints are also compared with mlx-lm. They run with f32 activations, because int8 activations are one
// more, deliberate approximation. bitwise_test.cpp tests exactness.
#include <gtest/gtest.h>

#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr ComputeOptions kReferenceF32 = {.backend = BackendKind::kReference, .activations = ActivationKind::kF32};

class PlainCheckpoint : public ::testing::TestWithParam<std::string> {
 protected:
  void expect_promise_of(const EngineOptions& engine_options) {
    const LoadedModel loaded = load(GetParam(), engine_options);
    const Expected expected = read_expected(GetParam());
    expect_promise(run(loaded, expected.tokens), expected.logits.at("logits"));
  }
};

TEST_P(PlainCheckpoint, reference_with_f32_activations_is_transformers) { expect_promise_of(on(kReferenceF32)); }
TEST_P(PlainCheckpoint, reference_is_transformers) { expect_promise_of(on(kReference)); }
TEST_P(PlainCheckpoint, cpu_is_transformers) { expect_promise_of(on(kCpu)); }

INSTANTIATE_TEST_SUITE_P(Golden, PlainCheckpoint, ::testing::ValuesIn(kPlain),
                         [](const auto& test) { return test.param; });

class QuantizedCheckpoint : public ::testing::TestWithParam<std::string> {
 protected:
  void expect_promise_of(const std::string& oracle) {
    const LoadedModel loaded = load(GetParam(), on(kReferenceF32));
    const Expected expected = read_expected(GetParam());
    expect_promise(run(loaded, expected.tokens), expected.logits.at(oracle));
  }
};

TEST_P(QuantizedCheckpoint, reference_with_f32_activations_is_transformers_on_decoded_weights) {
  expect_promise_of("logits");
}
TEST_P(QuantizedCheckpoint, reference_with_f32_activations_is_mlx_lm) { expect_promise_of("mlx_logits"); }

INSTANTIATE_TEST_SUITE_P(Golden, QuantizedCheckpoint, ::testing::ValuesIn(kQuantized),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace moebius::internal::golden
