// Tests the rules of the planner one by one. simulation_test.cpp tests the bounds on its regret.
#include "speculate/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "speculate/testing/simulator.h"

namespace moebius::internal {
namespace {

double prior_seconds(int64_t rows) { return 0.01 * StepCost::prior_ratio(static_cast<double>(rows)); }

testing::Simulation world_of(DraftSource source, double rate) {
  testing::Simulation world;
  world.seconds = prior_seconds;
  testing::SimulatedSource& drafts = source == DraftSource::kMtp ? world.mtp : world.ngram;
  drafts.is_present = true;
  drafts.rate = [rate](int64_t, int64_t) { return rate; };
  return world;
}

int64_t depths(std::span<const DraftChoice> choices) {
  return std::accumulate(choices.begin(), choices.end(), int64_t{0},
                         [](int64_t sum, const DraftChoice& choice) { return sum + choice.depth; });
}

TEST(Planner, drafts_nothing_where_there_is_no_row_or_no_sequence) {
  Planner planner;
  const DraftHistory history;
  const std::vector<DraftingSequence> sequences(64, {&history, {15, 15}});
  EXPECT_EQ(depths(planner.plan(sequences, 0)), 0);
  EXPECT_TRUE(planner.plan({}, 5).empty());
  planner.observe({.other_rows = 5, .seconds = 0.1});
}

TEST(Planner, starts_with_a_plain_step_for_every_number_of_sequences) {
  Planner planner;
  DraftHistory history;
  for (const size_t count : {1, 2, 5, 3}) {
    const std::vector<DraftingSequence> sequences(count, {&history, {15, 15}});
    const std::vector<DraftedSequence> drafted(count, {.history = &history});
    EXPECT_EQ(depths(planner.plan(sequences, 0)), 0) << count;
    planner.observe({.sequences = drafted, .seconds = prior_seconds(static_cast<int64_t>(count))});
    EXPECT_GT(depths(planner.plan(sequences, 0)), 0) << count;
  }
}

TEST(Planner, drafts_from_the_sources_that_offer_alone) {
  for (const DraftSource source : {DraftSource::kMtp, DraftSource::kNgram}) {
    testing::Simulator simulator(world_of(source, 0.9));
    simulator.run();
    EXPECT_GT(simulator.drafted(source), 1000);
    EXPECT_EQ(simulator.drafted(source == DraftSource::kMtp ? DraftSource::kNgram : DraftSource::kMtp), 0);
  }
}

TEST(Planner, takes_the_source_that_is_free_when_both_are_as_good) {
  testing::Simulation world = world_of(DraftSource::kNgram, 0.9);
  world.mtp = world.ngram;
  testing::Simulator simulator(world);
  simulator.run();
  EXPECT_GT(simulator.drafted(DraftSource::kNgram), 20 * simulator.drafted(DraftSource::kMtp));
}

TEST(Planner, takes_the_draft_head_when_the_free_source_is_bad) {
  testing::Simulation world = world_of(DraftSource::kMtp, 0.9);
  world.ngram.is_present = true;
  testing::Simulator simulator(world);
  simulator.run();
  EXPECT_GT(simulator.drafted(DraftSource::kMtp), 20 * simulator.drafted(DraftSource::kNgram));
}

TEST(Planner, learns_of_ngrams_that_are_only_watched) {
  testing::Simulation world = world_of(DraftSource::kNgram, 0);
  world.watch_ngrams = true;
  world.ngram.rate = [](int64_t position, int64_t) { return position < 1000 ? 0.0 : 1.0; };
  world.tokens = 1000;
  testing::Simulator bad(world);
  bad.run();
  EXPECT_LE(bad.drafted(DraftSource::kNgram), 3);
  world.tokens = 1020;
  testing::Simulator good(world);
  good.run();
  EXPECT_GT(good.drafted(DraftSource::kNgram), 5);
}

TEST(Planner, finds_drafts_that_have_become_good) {
  for (const DraftSource source : {DraftSource::kMtp, DraftSource::kNgram}) {
    for (const int64_t sequences : {1, 4}) {
      testing::Simulation world = world_of(source, 0);
      world.sequences = sequences;
      world.tokens = 1600;
      testing::SimulatedSource& drafts = source == DraftSource::kMtp ? world.mtp : world.ngram;
      drafts.rate = [](int64_t position, int64_t) { return position < 1000 ? 0.0 : 1.0; };
      testing::Simulator simulator(world);
      const std::vector<testing::SimulatedStep> steps = simulator.run();
      const auto late = std::find_if(steps.begin(), steps.end(), [](const auto& step) { return step.tokens >= 1300; });
      const double time = (steps.back().seconds - late->seconds) / (steps.back().plain_seconds - late->plain_seconds);
      EXPECT_LT(time, 0.85) << "sequences " << sequences << ", source " << static_cast<int>(source);
    }
  }
}

TEST(Planner, drafts_beside_prefill_only_what_pays_and_explores_nothing) {
  Planner planner;
  DraftHistory history;
  const std::vector<DraftingSequence> sequences = {{&history, {0, 15}}};
  const auto step = [&](int64_t depth, int64_t accepted) {
    const DraftedSequence drafted{.history = &history, .choice = {DraftSource::kNgram, depth}, .accepted = accepted};
    planner.observe({.sequences = {&drafted, 1}, .seconds = prior_seconds(1 + depth)});
  };
  step(0, 0);
  for (int i = 0; i < 50; ++i) step(1, 0);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(depths(planner.plan(sequences, 256)), 0);
    step(0, 0);
  }
  for (int i = 0; i < 10; ++i) step(1, 1);
  EXPECT_GT(depths(planner.plan(sequences, 256)), 0);
}

TEST(Planner, plans_the_same_from_the_same_reports) {
  testing::Simulation world = world_of(DraftSource::kMtp, 0.6);
  world.ngram = world.mtp;
  world.sequences = 4;
  world.noise = 0.1;
  const auto first = testing::Simulator(world).run();
  const auto second = testing::Simulator(world).run();
  ASSERT_EQ(first.size(), second.size());
  EXPECT_EQ(first.back().seconds, second.back().seconds);
}

}  // namespace
}  // namespace moebius::internal
