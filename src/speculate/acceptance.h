// How often drafts of one source come true for one stream, by position behind the confirmed token: the chance that
// draft j is right, given that those before it were. A draft behind a wrong one is neither right nor wrong, so nothing
// is learned from it.
//
// Two memories: a long one (about 64 trials), whose estimate is steady, and a short one (5). When what the short one
// saw is too far from what the long one expected, the text has changed its nature, and the long one forgets all but
// that. A position without trials takes the estimate of the one before it, or of other streams.
#pragma once

#include <array>
#include <cstdint>

#include "speculate/speculation_mode.h"

namespace moebius {

class Acceptance {
 public:
  // The first draft of an unknown source: good enough to try, too bad to try many.
  static constexpr double kFirstGuess = 0.6;

  // 0 <= accepted <= drafted <= kMaxDepth. drafted 0 changes nothing.
  void observe(int64_t drafted, int64_t accepted);

  // The probability that draft `position`, from 1, is right if those before it are; before: that of position - 1,
  // kFirstGuess of the first. others: of all streams; what is guessed where this one has seen little.
  [[nodiscard]] double next(int64_t position, double before, const Acceptance* others = nullptr) const;

 private:
  struct Tally {
    double hits = 0;
    double trials = 0;
  };
  using Tallies = std::array<Tally, SpeculationMode::kMaxDepth + 1>;  // by position, from 1

  static double estimate(const Tally& seen, double guess);
  void note(int64_t position, double hit, double expected);
  [[nodiscard]] bool has_changed() const;

  Tallies long_ = {};
  Tallies short_ = {};
  double surprise_ = 0;  // of the short memory: hits less expected hits, and the variance of that
  double variance_ = 0;
  bool own_way_ = false;  // the text has changed: others are no guide
};

}  // namespace moebius
