// Compares the sums behind perplexity with values worked out by hand.
#include "bench/next_token_stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace moebius::internal::apps {
namespace {

TEST(NextTokenStats, log_softmax_of_equal_logits_is_uniform) {
  for (const double x : log_softmax(std::vector<float>(8, 3.5f))) EXPECT_DOUBLE_EQ(x, -std::log(8.0));
}

TEST(NextTokenStats, log_softmax_does_not_overflow) {
  const std::vector<double> logs = log_softmax(std::vector<float>{1000.0f, 999.0f, -1000.0f});
  EXPECT_NEAR(std::exp(logs[0]), 1 / (1 + std::exp(-1.0)), 1e-12);  // a double near 1000 has no more digits
  EXPECT_NEAR(logs[0] - logs[1], 1.0, 1e-12);
  EXPECT_DOUBLE_EQ(logs[0] - logs[2], 2000.0);
}

TEST(NextTokenStats, divergence_of_two_coins) {
  const std::vector<double> fair = {std::log(0.5), std::log(0.5)};
  const std::vector<double> bent = {std::log(0.75), std::log(0.25)};
  EXPECT_DOUBLE_EQ(divergence(fair, fair), 0);
  EXPECT_NEAR(divergence(fair, bent), 0.5 * std::log(0.5 / 0.75) + 0.5 * std::log(0.5 / 0.25), 1e-15);
}

TEST(NextTokenStats, divergence_ignores_what_never_happens) {
  const double never = -std::numeric_limits<double>::infinity();
  EXPECT_NEAR(divergence(std::vector<double>{0.0, never}, std::vector<double>{std::log(0.5), std::log(0.5)}),
              std::log(2.0), 1e-15);
}

TEST(NextTokenStats, estimate_of_a_sample) {
  const Estimate e = estimate(std::vector<double>{1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(e.mean, 2.5);
  EXPECT_DOUBLE_EQ(e.standard_error, std::sqrt(5.0 / 3 / 4));
  EXPECT_DOUBLE_EQ(estimate(std::vector<double>{7}).standard_error, 0);
  EXPECT_DOUBLE_EQ(estimate({}).mean, 0);
}

TEST(NextTokenStats, quantiles_of_a_sample) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 1), 3);
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0), 1);
  EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
}

}  // namespace
}  // namespace moebius::internal::apps
