// Estimates how often the drafts of one source are accepted in one sequence, for each position behind the confirmed
// token. The estimate for position j is the probability that draft j is right, given that all drafts before it are
// right. A draft behind a wrong draft is never compared with the truth, so nothing is learned from it.
#pragma once

#include <array>
#include <cstdint>

#include "speculate/speculation_mode.h"

namespace moebius::internal {

// The class has two memories of past trials. The long memory covers about 64 trials, so its estimate is steady. The
// short memory covers about 5 trials. When the short memory is too far from what the long memory expected, the text has
// changed its nature. The long memory then forgets everything except what the short memory contains. A position without
// trials uses the estimate of the position before it, or the estimate of other sequences.
class Acceptance {
 public:
  // The prior probability that the first draft of an unknown source is right. It is high enough for the planner to try
  // the source, and too low for many drafts at once.
  static constexpr double kPrior = 0.6;

  // Learns from a step that drafted `drafted` tokens, of which the first `accepted` were right. Requires
  // 0 <= accepted <= drafted <= kMaxDepth. A step that drafted nothing changes nothing.
  void observe(int64_t drafted, int64_t accepted);

  // The probability that the draft at `position` is right if all drafts before it are. The first position is 1.
  // `previous` is this probability for the position before, and kPrior for the first position. `others` is the
  // acceptance of all sequences together; it serves as the prior where this sequence has few trials.
  [[nodiscard]] double conditional_probability(int64_t position, double previous,
                                               const Acceptance* others = nullptr) const;

 private:
  struct Tally {
    double hits = 0;
    double trials = 0;
  };
  using Tallies = std::array<Tally, SpeculationMode::kMaxDepth + 1>;  // indexed by position, from 1

  static double estimate(const Tally& tally, double prior);
  void record_trial(int64_t position, double hit, double expected);
  [[nodiscard]] bool has_changed() const;

  Tallies long_memory_ = {};
  Tallies short_memory_ = {};
  double excess_hits_ = 0;       // the hits in the short memory, minus the expected number of hits
  double excess_variance_ = 0;   // the variance of excess_hits_ if the expectation is right
  bool ignores_others_ = false;  // true once the text has changed, because other sequences then predict it badly
};

}  // namespace moebius::internal
