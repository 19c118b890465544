// Which drafts the rows of one step are spent on, given what rows cost and how likely each draft is to be reached: the
// arithmetic of planner.h, without its memory.
//
// A row that verifies draft j of a stream brings the probability that drafts 1..j all come true. That falls with j, so
// taking rows of all streams in descending order never takes a row before the one it stands on, and the first n of that
// order are the best n rows there are. All n are tried, because a cost curve may have steps; the most tokens per second
// win. A draft head costs time of its own by depth, and streams share it: so all this is tried with every limit of
// depth, too. (With the head this is no longer exact, but close: draft_rows_test.cpp.) Of limits that are about as good
// the lowest is taken, because it spreads the rows over more streams: a stream that gets none waits for the others'.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "speculate/cost_model.h"
#include "speculate/speculation_mode.h"

namespace moebius {

struct DraftChoice {
  DraftSource source = DraftSource::kNgram;
  int64_t depth = 0;  // drafted tokens; 0: plain
  bool operator==(const DraftChoice&) const = default;
};

// Streams that are drafted for by this step of the draft head, from 1.
int64_t streams_of_head(std::span<const DraftChoice> choices, int64_t step);

// What a step would cost. Other rows are there with or without drafts, so they are counted out again: what is left
// compares with a plain step of the streams alone.
class StepPrice {
 public:
  static constexpr int64_t kMaxLogitRows = 64;

  StepPrice(const StepCost& step, const StepCost& draft_head, int64_t streams, int64_t other_rows);

  // How much is taken for granted of row counts that were never measured (cost_model.h).
  enum class Mood { kEven, kCareful, kHopeful };

  [[nodiscard]] int64_t streams() const { return streams_; }
  [[nodiscard]] int64_t rows() const { return rows_; }  // without drafts
  [[nodiscard]] double plain() const { return plain_; }
  [[nodiscard]] double others() const { return others_; }
  [[nodiscard]] double seconds(int64_t drafted, Mood mood = Mood::kEven) const;
  // One step of the draft head for so many streams.
  [[nodiscard]] double head_seconds(int64_t streams, Mood mood = Mood::kEven) const;
  // All steps of the draft head that these choices ask for.
  [[nodiscard]] double head_seconds(std::span<const DraftChoice> choices) const;
  // Plain steps lost if every draft is wrong.
  [[nodiscard]] double worst_loss(std::span<const DraftChoice> choices) const;

 private:
  const StepCost& step_;
  const StepCost& draft_head_;
  int64_t streams_;
  int64_t rows_;  // of the step without drafts
  double plain_;
  double others_;  // seconds of the other rows
};

// What one stream may draft: from one source, at most `max_depth` tokens.
struct DraftOffer {
  DraftSource source = DraftSource::kNgram;
  int64_t max_depth = 0;
  std::array<double, SpeculationMode::kMaxDepth> reached = {};  // probability that drafts 1..j+1 come true

  [[nodiscard]] double expected(int64_t depth) const {
    return std::accumulate(reached.begin(), reached.begin() + depth, 0.0);
  }
};

struct DraftRows {
  std::vector<DraftChoice> choices;  // by stream
  double tokens = 0;                 // expected, of all streams
  double seconds = 0;                // expected
  [[nodiscard]] double rate() const { return tokens / seconds; }
};

// No drafts.
DraftRows plain_rows(const StepPrice& price);

// The choices with the most expected tokens per second of those whose worst loss is at most `allowance`.
DraftRows choose_rows(const StepPrice& price, std::span<const DraftOffer> offers, double allowance);

// The fewest rows of a number never measured that would bring more than `rate` if rows were as cheap as can be hoped;
// plain when there are none. A curve that is better than the prior thinks is found out like this, from below.
DraftRows curious_rows(const StepPrice& price, std::span<const DraftOffer> offers, double rate, double allowance);

// Tokens per second if this stream alone drafted as deep as is best for it; its share of the draft head is that of one
// among `sharing` streams.
double best_rate_alone(const StepPrice& price, const DraftOffer& offer, int64_t sharing);

}  // namespace moebius
