// What a measurement makes of what the backend counted.
#include "bench/bench_run.h"

#include <gtest/gtest.h>

namespace moebius::internal::apps {
namespace {

ModelConfig layers_of(std::vector<MlpKind> kinds) {
  ModelConfig config;
  config.layers = std::ssize(kinds);
  config.mlp_kinds = std::move(kinds);
  return config;
}

TEST(BenchRun, experts_are_those_of_layers_that_route) {
  constexpr MlpKind kDense = MlpKind::kDense, kMoe = MlpKind::kMoe;
  // Two steps through all layers: 10 and 14 experts in each layer that has some, one in each dense one.
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 72}, layers_of({kMoe, kMoe, kMoe})), 12);
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 50}, layers_of({kMoe, kDense, kMoe})), 12);
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 6}, layers_of({kDense, kDense, kDense})), 0);
  EXPECT_DOUBLE_EQ(mean_experts({}, layers_of({kMoe})), 0) << "nothing ran";
}

}  // namespace
}  // namespace moebius::internal::apps
