// The promise that speculation is never slower than plain decoding, as book-keeping. Every step books what it lost
// against plain steps that would have brought as many tokens; in the last kWindow tokens (of each stream) the books may
// never stand more than kAllowance above where they stood at their best. Gains are thus spent as they are made: a good
// thousand tokens does not pay for a bad one. The unit is the plain step of the moment, so a machine that slows down
// does not change what was booked.
#pragma once

#include <algorithm>
#include <deque>

namespace moebius {

class RegretLedger {
 public:
  static constexpr double kWindow = 1024;   // 1,000 and the longest step
  static constexpr double kAllowance = 25;  // plain steps: 2.5 % of a thousand

  // tokens: of each stream, on average. loss: in plain steps, below 0 for a gain.
  void record_regret(double tokens, double regret) {
    tokens_ += tokens;
    regret_ += regret;
    while (!lowest_.empty() && lowest_.front().tokens < tokens_ - kWindow) lowest_.pop_front();
    while (!lowest_.empty() && lowest_.back().regret >= regret_) lowest_.pop_back();
    lowest_.push_back({tokens_, regret_});
  }

  // What the next step may lose at worst.
  [[nodiscard]] double allowance() const {
    return kAllowance - (lowest_.empty() ? 0 : regret_ - lowest_.front().regret);
  }

 private:
  struct Entry {
    double tokens;
    double regret;
  };

  double tokens_ = 0;
  double regret_ = 0;
  std::deque<Entry> lowest_ = {{0, 0}};  // of the window: ascending in both, so the front is the lowest
};

}  // namespace moebius
