// Compares the choice of rows with all possible choices, and tests its limits.
#include "speculate/draft_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "speculate/unit_hash.h"

namespace moebius::internal {
namespace {

struct Machine {
  const char* name;
  std::function<double(int64_t)> seconds;
};

const Machine kMachines[] = {
    {"prior", [](int64_t rows) { return 0.01 * StepCost::prior_ratio(static_cast<double>(rows)); }},
    {"flat", [](int64_t rows) { return 0.01 + 2e-4 * static_cast<double>(rows); }},
    {"steep", [](int64_t rows) { return 0.01 * static_cast<double>(rows); }},
    {"stairs", [](int64_t rows) { return 0.01 * (1 + static_cast<double>((rows - 1) / 4)); }},
    {"concave", [](int64_t rows) { return 0.01 * std::sqrt(static_cast<double>(rows)); }},
};

StepCost measured(const std::function<double(int64_t)>& seconds, double share = 1) {
  StepCost cost;
  for (int64_t rows = 1; rows <= StepCost::kMaxRows; ++rows) {
    for (int i = 0; i < 3; ++i) cost.observe(rows, share * seconds(rows));
  }
  return cost;
}

DraftOffer offer_of(DraftSource source, int64_t max_depth, double rate) {
  DraftOffer offer{.source = source, .max_depth = max_depth};
  for (int64_t j = 0; j < max_depth; ++j) offer.reached[j] = std::pow(rate, j + 1);
  return offer;
}

double rate_of(const StepPrice& price, std::span<const DraftOffer> offers, std::span<const DraftChoice> choices) {
  auto tokens = static_cast<double>(offers.size());
  int64_t drafted = 0;
  for (size_t i = 0; i < offers.size(); ++i) {
    tokens += offers[i].expected_tokens(choices[i].depth);
    drafted += choices[i].depth;
  }
  return tokens / (price.seconds(drafted) + price.head_seconds(choices));
}

// The best rate among all choices for three sequences with up to four drafts each.
double best_rate_of_all(const StepPrice& price, std::span<const DraftOffer> offers) {
  double best = 0;
  for (int64_t all = 0; all < 5 * 5 * 5; ++all) {
    const std::vector<DraftChoice> choices = {
        {offers[0].source, all % 5}, {offers[1].source, all / 5 % 5}, {offers[2].source, all / 25}};
    best = std::max(best, rate_of(price, offers, choices));
  }
  return best;
}

TEST(DraftRows, are_the_best_there_are_on_any_curve) {
  struct Row {
    DraftSource source;
    // The share of the best rate that is reached. Prompt look-up gives up half a per cent to spread rows evenly.
    double close;
  };
  for (const Row& row : {Row{DraftSource::kNgram, 0.995}, Row{DraftSource::kMtp, 0.97}}) {
    for (const Machine& machine : kMachines) {
      const StepCost step = measured(machine.seconds);
      const StepCost head = measured(machine.seconds, 0.18);
      const StepPrice price(step, head, 3, 0);
      for (int64_t trial = 0; trial < 100; ++trial) {
        std::vector<DraftOffer> offers;
        for (int64_t i = 0; i < 3; ++i) offers.push_back(offer_of(row.source, 4, unit_hash(9, trial * 3 + i)));
        const DraftRows rows = choose_rows(price, offers, 1e9);
        EXPECT_GE(rows.rate(), row.close * best_rate_of_all(price, offers) - 1e-9) << machine.name << ' ' << trial;
        EXPECT_NEAR(rows.rate(), rate_of(price, offers, rows.choices), 1e-6) << machine.name << ' ' << trial;
      }
    }
  }
}

TEST(DraftRows, have_no_more_worst_case_regret_than_is_allowed) {
  for (const Machine& machine : kMachines) {
    const StepCost step = measured(machine.seconds);
    const StepPrice price(step, step, 2, 0);
    const std::vector<DraftOffer> offers(2, offer_of(DraftSource::kNgram, 15, 0.99));
    for (const double allowance : {0.0, 0.5, 1.0, 3.0}) {
      const DraftRows rows = choose_rows(price, offers, allowance);
      EXPECT_LE(price.worst_case_regret(rows.choices), allowance) << machine.name;
    }
  }
}

TEST(DraftRows, stay_within_the_rows_that_may_have_logits) {
  const StepCost step = measured([](int64_t) { return 0.01; });
  for (const int64_t sequences : {1, 3, 16, 40, 63, 64}) {
    const StepPrice price(step, step, sequences, 0);
    const std::vector<DraftOffer> offers(sequences, offer_of(DraftSource::kNgram, 15, 0.9));
    int64_t rows = sequences;
    for (const DraftChoice& choice : choose_rows(price, offers, 1e9).choices) rows += choice.depth;
    EXPECT_EQ(rows, std::min<int64_t>(16 * sequences, kMaxLogitRows));
  }
}

TEST(DraftRows, are_spread_over_sequences_that_are_alike) {
  const StepCost step = measured(kMachines[1].seconds);
  const StepCost head = measured(kMachines[1].seconds, 0.18);
  for (const DraftSource source : {DraftSource::kMtp, DraftSource::kNgram}) {
    std::vector<DraftOffer> offers(16, offer_of(source, 15, 0.99));
    offers[3] = offer_of(source, 15, 0.999);
    for (const DraftChoice& choice : choose_rows(StepPrice(step, head, 16, 0), offers, 1e9).choices) {
      EXPECT_EQ(choice.depth, 3);
    }
  }
}

TEST(DraftRows, cost_as_much_beside_others_as_their_rows_add) {
  const StepCost step = measured([](int64_t rows) { return 0.01 * static_cast<double>(rows); });
  const StepPrice alone(step, step, 4, 0);
  const StepPrice beside(step, step, 4, 20);
  EXPECT_NEAR(beside.plain_seconds(), alone.plain_seconds(), 1e-9);
  EXPECT_NEAR(beside.other_seconds(), 0.2, 1e-9);
  EXPECT_NEAR(beside.seconds(0), alone.seconds(0), 1e-9);
  EXPECT_NEAR(beside.seconds(5), alone.seconds(5), 1e-9);
}

TEST(DraftRows, for_exploration_are_the_fewest_that_could_pay) {
  StepCost step;
  for (int i = 0; i < 3; ++i) step.observe(1, 0.01);
  const StepPrice price(step, step, 1, 0);
  const std::vector<DraftOffer> offers = {offer_of(DraftSource::kNgram, 15, 0.5)};
  const double plain = plain_rows(price).rate();
  EXPECT_EQ(exploration_rows(price, offers, 1.03 * plain, 25).choices[0].depth, 1);
  EXPECT_EQ(exploration_rows(price, offers, 1.6 * plain, 25).choices[0].depth, 2);
  EXPECT_EQ(exploration_rows(price, offers, 2.1 * plain, 25).choices[0].depth, 0) << "never that many tokens";
  EXPECT_EQ(exploration_rows(price, offers, 1.03 * plain, 0.5).choices[0].depth, 0) << "may lose a whole step";
}

TEST(DraftRows, do_not_explore_what_was_measured) {
  const StepCost step = measured(kMachines[2].seconds);
  const StepPrice price(step, step, 1, 0);
  const std::vector<DraftOffer> offers = {offer_of(DraftSource::kNgram, 15, 0.9)};
  EXPECT_EQ(exploration_rows(price, offers, 1.03 * plain_rows(price).rate(), 25).choices[0].depth, 0);
}

}  // namespace
}  // namespace moebius::internal
