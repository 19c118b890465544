// Decides, step by step, how many drafts of which source every sequence verifies. A draft is accepted exactly when it
// is the token that plain decoding draws. So a plan changes when tokens come, but never which tokens come. The choice
// lives here, and so does the bound on its regret. Drafts, rows and clocks do not. The planner reads no clock and draws
// no random numbers, so the same reports lead to the same plans.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "speculate/cost_model.h"
#include "speculate/draft_history.h"
#include "speculate/draft_rows.h"
#include "speculate/regret_ledger.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal {

// One decoding sequence before a step.
struct DraftingSequence {
  const DraftHistory* history = nullptr;
  // How many tokens each source can draft now, indexed by DraftSource. A source that may not draft for this sequence
  // has the number 0.
  std::array<int64_t, kDraftSources> max_drafts = {};
};

// One decoding sequence after a step.
struct DraftedSequence {
  DraftHistory* history = nullptr;
  DraftChoice choice = {};  // what was verified; prompt look-up may have found fewer drafts than planned
  int64_t accepted = 0;
  DraftTrial watched = {};  // n-gram drafts that were compared with the new tokens but not verified
};

struct StepReport {
  std::span<const DraftedSequence> sequences = {};  // in the order of the plan
  // Rows that the planner does not decide about: rows of prompts, and of sequences whose depth the user has fixed.
  int64_t other_rows = 0;
  double seconds = 0;       // the time of the model, including verification and the removal of rejected drafts
  double head_seconds = 0;  // the time of all steps of the draft head for these drafts
  // The time that the draft head took to process tokens that it did not draft.
  double upkeep_seconds = 0;
};

// The planner decides about a step in this order:
// 1. The first step of every number of sequences is plain, and so is one step now and then. This keeps the cost of
//    plain decoding measured.
// 2. Otherwise the planner exploits what it knows. It takes the rows with the most expected tokens per second
//    (draft_rows.h) if they beat plain decoding by kMargin.
// 3. Sometimes the planner explores instead. It tries a number of rows with few measurements that may be cheaper than
//    estimated, or it tries a draft of an unused source whose exploration is due (draft_history.h). Each of the two
//    kinds has an exploration budget of kExplorationShare of the time.
// 4. A step never drafts if its worst case exceeds the regret that the ledger allows (regret_ledger.h).
class Planner {
 public:
  // Returns one choice for each sequence of the next step. A step without a plan is a plain step.
  std::vector<DraftChoice> plan(std::span<const DraftingSequence> sequences, int64_t other_rows);
  // Learns from the report of a step.
  void observe(const StepReport& report);
  // Whether the draft head may spend this time on upkeep now. Upkeep gets a small share of the time.
  [[nodiscard]] bool can_afford(double upkeep_seconds) const {
    return upkeep_seconds <= upkeep_budget_ * plain_seconds_;
  }
  // Whether the last plan was plain in order to measure a plain step. Drafts may still pay in this case.
  [[nodiscard]] bool measures_plain() const { return measures_plain_; }

 private:
  static constexpr double kMargin = 0.01;              // share of the tokens per second of plain decoding
  static constexpr double kMinExplorationGain = 0.02;  // share of the best known tokens per second
  static constexpr double kExplorationShare = 0.005;   // share of the time, for each kind of exploration
  static constexpr double kMaxExplorationBudget = 3;   // plain steps
  static constexpr double kUpkeepShare = 0.01;         // share of the time
  static constexpr double kMaxUpkeepBudget = 4;        // plain steps
  // A draft that is reached with a lower probability is not offered. Its row would bring fewer tokens than this number,
  // but cost as much as any other row.
  static constexpr double kMinReached = 0.02;

  // The exploration in the step under way, and what the step is compared with.
  struct Exploration {
    double rate = 0;        // tokens per second of the best known choice; 0 if the step explores nothing
    double tokens = 0;      // expected tokens, without those of `sequence`
    int64_t sequence = -1;  // the sequence that explores a source; -1 if the step explores a number of rows
  };
  struct Offers {
    std::vector<DraftOffer> best;   // of every sequence, the offer of its best source
    std::vector<DraftOffer> ngram;  // of every sequence, the offer of prompt look-up
  };

  [[nodiscard]] bool plain_is_stale(const StepPrice& price, double gain) const;
  [[nodiscard]] DraftOffer offer_of(const DraftingSequence& sequence, DraftSource source) const;
  [[nodiscard]] Offers offers_of(const StepPrice& price, std::span<const DraftingSequence> sequences) const;
  // The explore functions change `rows` into an exploration and return true, if there is something to explore and the
  // budget allows it.
  bool explore_rows(const StepPrice& price, const Offers& offers, DraftRows& rows);
  bool explore_sources(const StepPrice& price, std::span<const DraftingSequence> sequences, DraftRows& rows);
  bool explore_sources_of(const StepPrice& price, const DraftingSequence& sequence, int64_t index, DraftRows& rows);
  void observe_costs(const StepReport& report, std::span<const DraftChoice> choices);
  void record_regret(const StepReport& report, std::span<const DraftChoice> choices, const Exploration& exploration);
  static double seconds_without_spike(const StepReport& report, const StepPrice& price, int64_t drafted);
  void charge_exploration(const StepReport& report, const Exploration& exploration, double seconds);

  // The cost of a step depends on its number of sequences, so there is one estimate for each number. Sixteen rows of
  // sixteen sequences read sixteen recurrent states, but sixteen rows of one sequence read one.
  std::map<int64_t, StepCost> step_costs_;
  StepCost head_cost_;
  RegretLedger ledger_;
  DraftHistory all_sequences_;
  int64_t steps_ = 0;
  // Budgets in plain steps: how much time may be lost.
  double row_exploration_budget_ = 1;
  double source_exploration_budget_ = 1;
  double upkeep_budget_ = kMaxUpkeepBudget;
  double plain_seconds_ = 0;  // the time of a plain step with the sequences of the last step
  Exploration exploration_;   // belongs to the plan that was not reported yet
  bool measures_plain_ = false;
  // The number of the last plain step, from 1, indexed by the number of its sequences.
  std::array<int64_t, kMaxLogitRows + 1> plain_at_ = {};
};

}  // namespace moebius::internal
