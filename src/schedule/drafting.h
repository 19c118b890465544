// The drafts of a step: keeps the draft head up to date, asks every sequence's sources what they have, lets the planner
// choose, and tells it afterwards what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "schedule/draft_head.h"
#include "schedule/sequence.h"
#include "speculate/planner.h"

namespace moebius::internal {

// What became of the drafts of a step.
struct DraftOutcome {
  int64_t accepted = 0;
  int64_t drawn = 0;  // tokens, the one behind the last accepted draft included
};

// What else is in a step.
struct PromptRows {
  int64_t rows = 0;
  int64_t drawn_from = 0;  // of them, those that want logits
};

class Drafting {
 public:
  using Clock = std::function<double()>;  // seconds

  // head: null without one. max_rows: of a sequence in a step.
  Drafting(DraftHead* head, int64_t max_rows, int64_t context, Clock clock);

  // From here to observe() is the time of a step.
  void begin_step();
  // Pairs of a sequence that wait go through the draft head, as long as that costs next to nothing; else they never do.
  void update_head(Sequence& sequence);
  // Drafts for each of the sequences, which all decode; kept until observe().
  std::span<const std::vector<int32_t>> plan(std::span<Sequence* const> sequences, const PromptRows& prompts);
  // The step is done, and brought this to the sequences of plan().
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

  // Of the step under way.
  std::vector<Sequence*> sequences_;
  PromptRows prompts_;
  std::vector<DraftingSequence> offers_;
  std::vector<std::vector<int32_t>> looked_up_;
  std::vector<DraftChoice> choices_;
  std::vector<std::vector<int32_t>> drafts_;
  double head_seconds_ = 0;  // of its drafts
  double start_ = 0;
  double late_upkeep_seconds_ = 0;  // between steps, and not reported yet
  double upkeep_seconds_ = 0;       // since begin_step(): of pairs that had waited
  double pair_seconds_ = 0;         // that one of them took last
  double plan_seconds_ = 0;         // of the last plan
  int64_t pause_ = 0;               // steps that go without a plan
};

}  // namespace moebius::internal
