// How the bench computes the mean number of experts from the counts of the backend.
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
  // Two steps through all layers. Each routed layer uses 10 experts in one step and 14 in the other. A dense layer
  // counts as one expert.
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 72}, layers_of({kMoe, kMoe, kMoe})), 12);
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 50}, layers_of({kMoe, kDense, kMoe})), 12);
  EXPECT_DOUBLE_EQ(mean_experts({.expert_layers = 6, .distinct_experts = 6}, layers_of({kDense, kDense, kDense})), 0);
  EXPECT_DOUBLE_EQ(mean_experts({}, layers_of({kMoe})), 0) << "nothing ran";
}

}  // namespace
}  // namespace moebius::internal::apps
