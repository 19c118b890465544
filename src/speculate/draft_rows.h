// Chooses which drafts the rows of one step verify, given what rows cost and how likely each draft is to be reached.
// This is the arithmetic of the planner (planner.h). The memory of the planner does not live here.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "moebius/limits.h"
#include "speculate/cost_model.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal {

struct DraftChoice {
  DraftSource source = DraftSource::kNgram;
  int64_t depth = 0;  // the number of drafted tokens; 0 is plain decoding
  bool operator==(const DraftChoice&) const = default;
};

// The number of sequences for which this step of the draft head drafts. The first step is 1.
int64_t sequences_of_head(std::span<const DraftChoice> choices, int64_t step);

// What one step costs, depending on how many drafts it verifies. The step may have other rows, for example of prompts.
// They are there with or without drafts, so their time is subtracted. The rest is comparable with a plain step that has
// only the decoding sequences.
class StepPrice {
 public:
  StepPrice(const StepCost& step, const StepCost& draft_head, int64_t sequences, int64_t other_rows);

  // Which estimate of StepCost is used. They only differ for row counts with few measurements.
  enum class Estimate { kExpected, kPessimistic, kOptimistic };

  [[nodiscard]] int64_t sequences() const { return sequences_; }
  [[nodiscard]] int64_t rows() const { return rows_; }  // the rows of the step without drafts
  [[nodiscard]] double plain_seconds() const { return plain_seconds_; }
  [[nodiscard]] double other_seconds() const { return other_seconds_; }
  // The time of the step when it verifies `drafted` drafts.
  [[nodiscard]] double seconds(int64_t drafted, Estimate estimate = Estimate::kExpected) const;
  // The time of one step of the draft head for `sequences` sequences.
  [[nodiscard]] double head_seconds(int64_t sequences, Estimate estimate = Estimate::kExpected) const;
  // The time of all steps of the draft head that these choices need.
  [[nodiscard]] double head_seconds(std::span<const DraftChoice> choices) const;
  // The regret against plain decoding, in plain steps, if every draft is wrong.
  [[nodiscard]] double worst_case_regret(std::span<const DraftChoice> choices) const;

 private:
  const StepCost& step_;
  const StepCost& draft_head_;
  int64_t sequences_;
  int64_t rows_;  // the rows of the step without drafts
  double plain_seconds_;
  double other_seconds_;  // the time of the other rows
};

// What one sequence may draft: at most `max_depth` tokens from one source.
struct DraftOffer {
  DraftSource source = DraftSource::kNgram;
  int64_t max_depth = 0;
  // reached[j] is the probability that the first j + 1 drafts are all right.
  std::array<double, SpeculationMode::kMaxDepth> reached = {};

  [[nodiscard]] double expected_tokens(int64_t depth) const {
    return std::accumulate(reached.begin(), reached.begin() + depth, 0.0);
  }
};

struct DraftRows {
  std::vector<DraftChoice> choices;  // one for each sequence
  double tokens = 0;                 // the expected number of tokens of all sequences
  double seconds = 0;                // the expected time
  [[nodiscard]] double rate() const { return tokens / seconds; }
};

// The choice of no drafts.
DraftRows plain_rows(const StepPrice& price);

// The choices with the most expected tokens per second, among those whose worst-case regret is at most `allowance`.
//
// A row that verifies draft j of a sequence is worth the probability that drafts 1..j are all right. This worth falls
// with j. So when the rows of all sequences are sorted by worth, no row comes before a row that it depends on, and the
// first n rows are the best n rows. Every n is tried, because a cost curve may have stairs. The most tokens per second
// win. The steps of a draft head cost time as well, and all sequences share them. So every n is tried with every limit
// of depth. With a draft head the result is not always the best one, but close to it (draft_rows_test.cpp measures how
// close). Among limits of depth with nearly the same rate the lowest wins, because it spreads the rows over more
// sequences. A sequence without drafts has to wait for the drafts of the others.
DraftRows choose_rows(const StepPrice& price, std::span<const DraftOffer> offers, double allowance);

// The smallest choice that is worth exploring: the optimistic estimate of its cost promises more than `rate` tokens per
// second. Returns plain_rows() when there is none. Exploration thus starts with few rows, and finds out whether the
// cost curve is better than the prior assumes.
DraftRows exploration_rows(const StepPrice& price, std::span<const DraftOffer> offers, double rate, double allowance);

// The tokens per second if only this sequence drafted, as deep as is best for it. It bears its share of the draft head
// as one of `sharing` sequences.
double best_rate_alone(const StepPrice& price, const DraftOffer& offer, int64_t sharing);

}  // namespace moebius::internal
