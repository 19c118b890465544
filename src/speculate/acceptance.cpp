// Tallies that fade, and the test that tells a change from chance.
#include "speculate/acceptance.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace moebius {
namespace {

constexpr double kLongFade = 1 - 1.0 / 64;
constexpr double kShortFade = 1 - 1.0 / 5;
constexpr double kGuessWeight = 2;  // trials that the guess counts for

}  // namespace

double Acceptance::estimate(const Tally& seen, double guess) {
  return (seen.hits + kGuessWeight * guess) / (seen.trials + kGuessWeight);
}

double Acceptance::next(int64_t position, double before, const Acceptance* others) const {
  const double guess = others != nullptr && !own_way_ ? estimate(others->long_[position], before) : before;
  return estimate(long_[position], guess);
}

void Acceptance::note(int64_t position, double hit, double expected) {
  for (Tallies* tallies : {&long_, &short_}) {
    Tally& tally = (*tallies)[position];
    tally.hits += hit;
    tally.trials += 1;
  }
  surprise_ += hit - expected;
  variance_ += expected * (1 - expected);
}

bool Acceptance::has_changed() const {
  constexpr double kFarOut = 5;        // squared standard deviations
  constexpr double kLeastDoubt = 0.5;  // one trial never tells
  return surprise_ * surprise_ > kFarOut * (variance_ + kLeastDoubt);
}

void Acceptance::observe(int64_t drafted, int64_t accepted) {
  MOEBIUS_CHECK(accepted >= 0 && accepted <= drafted && drafted <= SpeculationMode::kMaxDepth);
  if (drafted == 0) return;
  std::array<double, SpeculationMode::kMaxDepth + 1> expected = {kFirstGuess};
  for (int64_t j = 1; j <= std::min(accepted + 1, drafted); ++j) expected[j] = next(j, expected[j - 1]);
  for (Tally& tally : long_) tally = {tally.hits * kLongFade, tally.trials * kLongFade};
  for (Tally& tally : short_) tally = {tally.hits * kShortFade, tally.trials * kShortFade};
  surprise_ *= kShortFade;
  variance_ *= kShortFade;
  for (int64_t position = 1; position <= accepted; ++position) note(position, 1, expected[position]);
  if (accepted < drafted) note(accepted + 1, 0, expected[accepted + 1]);
  if (!has_changed()) return;
  long_ = short_;
  own_way_ = true;
  surprise_ = variance_ = 0;
}

}  // namespace moebius
