// The drafts of a step: keeps the draft head up to date, asks every stream's sources what they have, lets the planner
// choose, and tells it afterwards what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "schedule/draft_head.h"
#include "schedule/stream.h"
#include "speculate/planner.h"

namespace moebius {

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

  // head: null without one. most_rows: of a stream in a step.
  Drafting(DraftHead* head, int64_t most_rows, int64_t context, Clock clock);

  // A step begins: from here to observe() is its time.
  void begin();
  // The draft head takes in what waits of a stream, as long as that costs next to nothing; else it does without.
  void keep_up(Stream& stream);
  // Drafts for each of the streams, which all decode; kept until observe().
  std::span<const std::vector<int32_t>> plan(std::span<Stream* const> streams, const PromptRows& prompts);
  // The step is done, and brought this to the streams of plan().
  void observe(std::span<const DraftOutcome> outcomes);

  [[nodiscard]] int64_t most_rows() const { return most_rows_; }

 private:
  [[nodiscard]] int64_t most_drafts(const Stream& stream) const;
  void look_up(size_t index);
  void choose();
  [[nodiscard]] int64_t rows_beside() const;
  void trim();
  void catch_up(Stream& stream);
  void make();
  DraftedStream outcome_of(size_t index, const DraftOutcome& outcome);
  [[nodiscard]] int64_t pause_after(double step_seconds) const;

  DraftHead* head_;
  int64_t most_rows_;
  int64_t context_;
  Clock clock_;
  Planner planner_;

  // Of the step under way.
  std::vector<Stream*> streams_;
  PromptRows prompts_;
  std::vector<DraftingStream> offers_;
  std::vector<std::vector<int32_t>> looked_up_;
  std::vector<DraftChoice> choices_;
  std::vector<std::vector<int32_t>> drafts_;
  double head_seconds_ = 0;  // of its drafts
  double start_ = 0;
  double late_upkeep_seconds_ = 0;  // between steps, and not reported yet
  double upkeep_seconds_ = 0;       // since begin(): of pairs that had waited
  double pair_seconds_ = 0;         // that one of them took last
  double plan_seconds_ = 0;         // of the last plan
  int64_t pause_ = 0;               // steps that go without a plan
};

}  // namespace moebius
