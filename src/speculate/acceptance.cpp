// The tallies, which forget old trials step by step, and the test that distinguishes a change from chance.
#include "speculate/acceptance.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace moebius::internal {
namespace {

constexpr double kLongDecay = 1 - 1.0 / 64;
constexpr double kShortDecay = 1 - 1.0 / 5;
constexpr double kPriorWeight = 2;  // how many trials the prior counts for

}  // namespace

double Acceptance::estimate(const Tally& tally, double prior) {
  return (tally.hits + kPriorWeight * prior) / (tally.trials + kPriorWeight);
}

double Acceptance::conditional_probability(int64_t position, double previous, const Acceptance* others) const {
  const bool uses_others = others != nullptr && !ignores_others_;
  const double prior = uses_others ? estimate(others->long_memory_[position], previous) : previous;
  return estimate(long_memory_[position], prior);
}

void Acceptance::record_trial(int64_t position, double hit, double expected) {
  for (Tallies* tallies : {&long_memory_, &short_memory_}) {
    Tally& tally = (*tallies)[position];
    tally.hits += hit;
    tally.trials += 1;
  }
  excess_hits_ += hit - expected;
  excess_variance_ += expected * (1 - expected);
}

bool Acceptance::has_changed() const {
  constexpr double kChangeThreshold = 5;  // in squared standard deviations
  constexpr double kAddedVariance = 0.5;  // prevents that a single trial is enough
  return excess_hits_ * excess_hits_ > kChangeThreshold * (excess_variance_ + kAddedVariance);
}

void Acceptance::observe(int64_t drafted, int64_t accepted) {
  MOEBIUS_CHECK(accepted >= 0 && accepted <= drafted && drafted <= SpeculationMode::kMaxDepth);
  if (drafted == 0) return;
  std::array<double, SpeculationMode::kMaxDepth + 1> expected = {kPrior};
  for (int64_t j = 1; j <= std::min(accepted + 1, drafted); ++j) {
    expected[j] = conditional_probability(j, expected[j - 1]);
  }
  for (Tally& tally : long_memory_) tally = {tally.hits * kLongDecay, tally.trials * kLongDecay};
  for (Tally& tally : short_memory_) tally = {tally.hits * kShortDecay, tally.trials * kShortDecay};
  excess_hits_ *= kShortDecay;
  excess_variance_ *= kShortDecay;
  for (int64_t position = 1; position <= accepted; ++position) record_trial(position, 1, expected[position]);
  if (accepted < drafted) record_trial(accepted + 1, 0, expected[accepted + 1]);
  if (!has_changed()) return;
  long_memory_ = short_memory_;
  ignores_others_ = true;
  excess_hits_ = excess_variance_ = 0;
}

}  // namespace moebius::internal
