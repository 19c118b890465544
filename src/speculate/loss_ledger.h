// The promise that speculation is never slower than plain decoding, as book-keeping. Every step books what it lost
// against plain steps that would have brought as many tokens; in the last kWindow tokens (of each stream) the books may
// never stand more than kAllowance above where they stood at their best. Gains are thus spent as they are made: a good
// thousand tokens does not pay for a bad one. The unit is the plain step of the moment, so a machine that slows down
// does not change what was booked.
#pragma once

#include <algorithm>
#include <deque>

namespace moebius {

class LossLedger {
 public:
  static constexpr double kWindow = 1024;   // 1,000 and the longest step
  static constexpr double kAllowance = 25;  // plain steps: 2.5 % of a thousand

  // tokens: of each stream, on average. loss: in plain steps, below 0 for a gain.
  void book(double tokens, double loss) {
    tokens_ += tokens;
    loss_ += loss;
    while (!lowest_.empty() && lowest_.front().tokens < tokens_ - kWindow) lowest_.pop_front();
    while (!lowest_.empty() && lowest_.back().loss >= loss_) lowest_.pop_back();
    lowest_.push_back({tokens_, loss_});
  }

  // What the next step may lose at worst.
  [[nodiscard]] double allowance() const { return kAllowance - (lowest_.empty() ? 0 : loss_ - lowest_.front().loss); }

 private:
  struct Entry {
    double tokens;
    double loss;
  };

  double tokens_ = 0;
  double loss_ = 0;
  std::deque<Entry> lowest_ = {{0, 0}};  // of the window: ascending in both, so the front is the lowest
};

}  // namespace moebius
