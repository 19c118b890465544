// Reads one row of logits once: the largest of all and of each block. Everything after that looks only into blocks that
// can matter, so nothing sorts a vocabulary. Tokens are ordered by (logit descending, id ascending). Every set handed
// out is a prefix of that order, and its elements come in no order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sample/weight.h"

namespace moebius::internal {

struct Candidate {
  float logit;
  int32_t id;
  uint64_t weight;  // see weight.h
};

inline bool before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

// Keeps the fewest elements that come first and add up to at least the weight. The last one kept is then the last in
// order. Where the whole is less than the weight, all elements stay as they are.
void keep_weight(std::vector<Candidate>& candidates, uint64_t weight);

uint64_t sum_weights(std::span<const Candidate> candidates);

class LogitScan {
 public:
  // Refers to the logits [V] until the next read. Throws kNonFinite for NaN and +infinity, and when all logits are
  // -infinity. Otherwise -infinity is a token that cannot be drawn.
  void read(std::span<const float> logits, float temperature);

  [[nodiscard]] float largest() const { return largest_; }
  [[nodiscard]] int32_t likeliest() const;  // the lowest id of those that have the largest logit
  [[nodiscard]] uint64_t weight() const;    // sum over the vocabulary
  [[nodiscard]] float x(float logit) const { return (logit - largest_) * inverse_temperature_; }

  // There are three ways to choose candidates. All of them overwrite out.
  void collect_best(std::vector<Candidate>& out, size_t count) const;
  void collect_above(std::vector<Candidate>& out, float lowest_x) const;    // x >= lowest_x
  void collect_weight(std::vector<Candidate>& out, uint64_t weight) const;  // add up to at least this weight

 private:
  [[nodiscard]] Candidate candidate(size_t id) const;

  std::span<const float> logits_;  // [V]
  std::vector<float> maxima_;      // [ceil(V / block)]
  float largest_ = 0;
  float inverse_temperature_ = 1;
};

}  // namespace moebius::internal
