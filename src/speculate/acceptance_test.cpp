// Tests the estimate of how often drafts are accepted: that it is right, that it follows changes fast, and that it is
// steady in between.
#include "speculate/acceptance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "speculate/unit_hash.h"

namespace moebius::internal {
namespace {

double probability(const Acceptance& acceptance, int64_t position, const Acceptance* others = nullptr) {
  double probability = Acceptance::kPrior;
  for (int64_t j = 1; j <= position; ++j) probability = acceptance.conditional_probability(j, probability, others);
  return probability;
}

// Observes one step of `depth` drafts. Each draft is right with the rate of its position.
void observe_at(Acceptance& acceptance, int64_t depth, const std::array<double, 4>& rates, uint64_t seed,
                int64_t trial) {
  int64_t accepted = 0;
  while (accepted < depth && unit_hash(seed, trial * 16 + accepted) < rates[std::min<int64_t>(accepted, 3)]) ++accepted;
  acceptance.observe(depth, accepted);
}

Acceptance after(int64_t trials, double rate, uint64_t seed = 1) {
  Acceptance acceptance;
  for (int64_t i = 0; i < trials; ++i) observe_at(acceptance, 3, {rate, rate, rate, rate}, seed, i);
  return acceptance;
}

TEST(Acceptance, starts_with_the_prior_at_every_position) {
  for (const int64_t position : {1, 2, 15}) {
    EXPECT_DOUBLE_EQ(probability(Acceptance(), position), Acceptance::kPrior);
  }
}

TEST(Acceptance, converges_to_the_rate_of_the_source) {
  for (const double rate : {0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0}) {
    for (const int64_t position : {1, 2, 3}) {
      EXPECT_NEAR(probability(after(300, rate), position), rate, 0.15) << rate << " at " << position;
    }
  }
}

TEST(Acceptance, notices_a_flip_the_sooner_the_sharper_it_is) {
  struct Row {
    double before;
    bool good;  // whether the source is good after the flip
    int64_t steps;
  };
  const Row rows[] = {{1.0, false, 4}, {0.95, false, 4}, {0.85, false, 6}, {0.7, false, 21},
                      {0.0, true, 3},  {0.05, true, 4},  {0.3, true, 13}};
  for (const Row& row : rows) {
    Acceptance acceptance = after(200, row.before);
    int64_t steps = 0;
    while ((probability(acceptance, 1) > 0.5) != row.good && steps < 100) {
      acceptance.observe(1, row.good ? 1 : 0);
      ++steps;
    }
    EXPECT_LE(steps, row.steps) << "from " << row.before;
  }
}

TEST(Acceptance, stays_where_it_is_while_the_source_does) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Acceptance acceptance = after(100, 0.8, seed);
    double sum = 0;
    for (int64_t i = 100; i < 1100; ++i) {
      observe_at(acceptance, 2, {0.8, 0.8, 0.8, 0.8}, seed, i);
      sum += std::abs(probability(acceptance, 1) - 0.8);
    }
    EXPECT_LT(sum / 1000, 0.08) << "seed " << seed;
  }
}

TEST(Acceptance, tells_positions_apart) {
  Acceptance acceptance;
  for (int64_t i = 0; i < 400; ++i) observe_at(acceptance, 4, {0.95, 0.6, 0.95, 0.3}, 5, i);
  EXPECT_NEAR(probability(acceptance, 1), 0.95, 0.1);
  EXPECT_NEAR(probability(acceptance, 2), 0.6, 0.15);
  EXPECT_NEAR(probability(acceptance, 3), 0.95, 0.1);
  EXPECT_NEAR(probability(acceptance, 4), 0.3, 0.2);
}

TEST(Acceptance, takes_a_position_never_tried_to_be_like_the_one_before) {
  const Acceptance acceptance = after(50, 0.9);
  for (int64_t position = 4; position <= 15; ++position) {
    EXPECT_DOUBLE_EQ(probability(acceptance, position), probability(acceptance, 3));
  }
}

TEST(Acceptance, learns_nothing_from_drafts_behind_a_wrong_one) {
  Acceptance five;
  Acceptance two;
  for (int i = 0; i < 30; ++i) {
    five.observe(5, 1);
    two.observe(2, 1);
  }
  EXPECT_DOUBLE_EQ(probability(five, 5), probability(two, 2));
  EXPECT_LT(probability(five, 2), 0.1);
  EXPECT_GT(probability(five, 1), 0.9);
}

TEST(Acceptance, of_a_new_sequence_is_what_others_saw) {
  const Acceptance bad = after(200, 0.02);
  const Acceptance good = after(200, 0.98);
  EXPECT_LT(probability(Acceptance(), 1, &bad), 0.15);
  EXPECT_GT(probability(Acceptance(), 1, &good), 0.9);
}

TEST(Acceptance, of_its_own_outweighs_what_others_saw) {
  const Acceptance bad = after(200, 0.0);
  Acceptance own;
  for (int i = 0; i < 6; ++i) own.observe(2, 2);
  EXPECT_GT(probability(own, 1, &bad), 0.7);
}

TEST(Acceptance, does_not_change_by_a_step_without_drafts) {
  Acceptance acceptance = after(20, 0.5);
  const double before = probability(acceptance, 1);
  acceptance.observe(0, 0);
  EXPECT_EQ(probability(acceptance, 1), before);
}

}  // namespace
}  // namespace moebius::internal
