// The cumulative regret of speculation against plain decoding, and the bound on it. The bound is what makes speculation
// never noticeably slower than plain decoding. The planner (planner.h) records the regret of every step here, and asks
// here how much regret the next step may add.
#pragma once

#include <algorithm>
#include <deque>

namespace moebius::internal {

// The regret of a step is the time it took, minus the time of plain steps for as many tokens. Within the last kWindow
// tokens of each sequence, the cumulative regret may rise at most kAllowance above its lowest value. Gains thus cannot
// be saved up: a good thousand tokens does not pay for a bad thousand. The unit is the plain step at the time of
// recording. A machine that slows down therefore does not change regret that is already recorded.
class RegretLedger {
 public:
  static constexpr double kWindow = 1024;   // tokens: one thousand, plus those of the longest step
  static constexpr double kAllowance = 25;  // plain steps: 2.5 % of one thousand

  // Records one step. `tokens` is the number of tokens of each sequence, on average. `regret` is in plain steps; it is
  // negative for a gain.
  void record_regret(double tokens, double regret) {
    tokens_ += tokens;
    regret_ += regret;
    while (!lowest_.empty() && lowest_.front().tokens < tokens_ - kWindow) lowest_.pop_front();
    while (!lowest_.empty() && lowest_.back().regret >= regret_) lowest_.pop_back();
    lowest_.push_back({tokens_, regret_});
  }

  // The regret, in plain steps, that the next step may add in the worst case.
  [[nodiscard]] double allowance() const {
    return kAllowance - (lowest_.empty() ? 0 : regret_ - lowest_.front().regret);
  }

 private:
  struct Entry {
    double tokens;  // the cumulative tokens and regret after a step
    double regret;
  };

  double tokens_ = 0;
  double regret_ = 0;
  // Candidates for the lowest value of the window. They ascend in tokens and in regret, so the front is the lowest.
  std::deque<Entry> lowest_ = {{0, 0}};
};

}  // namespace moebius::internal
