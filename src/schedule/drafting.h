// Makes the drafts of a step. It keeps the draft head up to date, asks the sources of every sequence how many drafts
// they have, and lets the planner choose. After the step it reports the outcome to the planner.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "schedule/draft_head.h"
#include "schedule/sequence.h"
#include "speculate/planner.h"

namespace moebius::internal {

// The outcome of the drafts of one sequence in a step.
struct DraftOutcome {
  int64_t accepted = 0;
  int64_t drawn = 0;  // the drawn tokens: the accepted drafts and the token behind them
};

// The rows of prompts in a step.
struct PromptRows {
  int64_t rows = 0;
  int64_t drawn_from = 0;  // how many of `rows` need logits
};

class Drafting {
 public:
  using Clock = std::function<double()>;  // seconds

  // `head` is null when the model has no draft head. `max_rows` is the limit of one sequence in a step.
  Drafting(DraftHead* head, int64_t max_rows, int64_t context, Clock clock);

  // Starts a step. The time from here to observe() is the time of the step.
  void begin_step();
  // Feeds the pending pairs of a sequence to the draft head if the planner can afford the time. Otherwise it drops
  // them, and the head never sees them.
  void update_head(Sequence& sequence);
  // Returns the drafts for each of the sequences. All sequences decode. The drafts are valid until observe().
  std::span<const std::vector<int32_t>> plan(std::span<Sequence* const> sequences, const PromptRows& prompts);
  // Ends a step. There is one outcome for each sequence of plan().
  void observe(std::span<const DraftOutcome> outcomes);

  [[nodiscard]] int64_t max_rows() const { return max_rows_; }

 private:
  [[nodiscard]] int64_t max_drafts(const Sequence& sequence) const;
  void look_up_drafts(size_t index);
  void choose_depths();
  [[nodiscard]] int64_t rows_beside() const;
  void trim_depths();
  void feed_pending(Sequence& sequence);
  void make_drafts();
  DraftedSequence outcome_of(size_t index, const DraftOutcome& outcome);
  [[nodiscard]] int64_t pause_after(double step_seconds) const;

  DraftHead* head_;
  int64_t max_rows_;
  int64_t context_;
  Clock clock_;
  Planner planner_;

  // The current step.
  std::vector<Sequence*> sequences_;
  PromptRows prompts_;
  std::vector<DraftingSequence> offers_;
  std::vector<std::vector<int32_t>> looked_up_;
  std::vector<DraftChoice> choices_;
  std::vector<std::vector<int32_t>> drafts_;
  double head_seconds_ = 0;  // the time in which the draft head made its drafts
  double start_ = 0;
  double late_upkeep_seconds_ = 0;  // the upkeep between earlier steps that was not reported yet
  double upkeep_seconds_ = 0;       // the time of feeding pending pairs, since begin_step()
  double pair_seconds_ = 0;         // estimated time of feeding one pending pair
  double plan_seconds_ = 0;         // the time of the last plan
  int64_t pause_ = 0;               // how many further steps run without a plan
};

}  // namespace moebius::internal
