// Decides, step by step, how many drafts of which source every stream verifies. A draft is accepted iff it is the token
// that plain decoding draws, so a plan changes when tokens come and never which. Lives here: the choice, and the
// promise that it costs nothing where drafts are bad. Does not live here: drafts, rows, clocks. Same reports, same
// plans: there is no clock and no dice inside.
//
// In order:
// 1. The first step of a number of streams is plain, and one now and then, so that the cost of plain decoding is never
//    hearsay.
// 2. Else the rows with the most expected tokens per second (draft_rows.h), if that beats plain by kMargin;
// 3. or an experiment: rows of a number that was hardly measured and may be cheaper than it seems, or a draft of a
//    source that is not used and due for a look (draft_history.h). Each kind may lose kExperimentShare of the time.
// 4. Nothing of this happens when the worst that the step can lose is more than the ledger allows (regret_ledger.h).
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

namespace moebius {

// One decoding stream before a step.
struct DraftingStream {
  const DraftHistory* history = nullptr;
  // Tokens that each source can offer now, by DraftSource; 0 of one that may not draft for this stream.
  std::array<int64_t, kDraftSources> max_drafts = {};
};

// One decoding stream after it.
struct DraftedStream {
  DraftHistory* history = nullptr;
  DraftChoice choice = {};  // what was really verified; n-grams may have ended earlier than planned
  int64_t accepted = 0;
  DraftTrial watched = {};  // n-gram drafts that were compared with the new tokens though not verified
};

struct StepReport {
  std::span<const DraftedStream> streams = {};  // in the order of the plan
  int64_t other_rows = 0;     // that the planner has no say in: of prompts, and of streams whose depth is fixed
  double seconds = 0;         // of the model, verification and taking back included
  double head_seconds = 0;    // of the draft head: all steps of these drafts
  double upkeep_seconds = 0;  // of the draft head: what it takes in of tokens that it did not draft
};

class Planner {
 public:
  // One choice for each stream of the next step. A step without a plan is a plain one.
  std::vector<DraftChoice> plan(std::span<const DraftingStream> streams, int64_t other_rows);
  void observe(const StepReport& report);
  // Whether the upkeep of the draft head may take so long now: it has a small share of the time.
  [[nodiscard]] bool can_afford(double upkeep_seconds) const { return upkeep_seconds <= upkeep_savings_ * plain_; }
  // Whether the last plan was plain in order to measure a plain step: drafts may pay all the same.
  [[nodiscard]] bool measures_plain() const { return measures_plain_; }

 private:
  static constexpr double kMargin = 0.01;            // of plain tokens per second
  static constexpr double kCuriosity = 0.02;         // of the best tokens per second
  static constexpr double kExperimentShare = 0.005;  // of the time, for either kind
  static constexpr double kWorthARow = 0.02;         // tokens: a row costs as much anywhere
  static constexpr double kMaxSavings = 3;           // plain steps
  static constexpr double kUpkeepShare = 0.01;       // of the time
  static constexpr double kMaxUpkeep = 4;            // plain steps at once

  // What the step under way is compared with.
  struct Experiment {
    double rate = 0;      // tokens per second of the best step known; 0: no experiment
    double tokens = 0;    // expected of streams that are not watched
    int64_t stream = -1;  // whose luck is what the experiment is about; -1: it is about rows
  };
  struct Offers {
    std::vector<DraftOffer> best;  // every stream's best source
    std::vector<DraftOffer> free;  // every stream's n-grams
  };

  [[nodiscard]] bool plain_is_stale(const StepPrice& price, double gain) const;
  [[nodiscard]] DraftOffer offer(const DraftingStream& stream, DraftSource source) const;
  [[nodiscard]] Offers offers(const StepPrice& price, std::span<const DraftingStream> streams) const;
  bool try_rows(const StepPrice& price, const Offers& offers, DraftRows& rows);
  bool try_source(const StepPrice& price, std::span<const DraftingStream> streams, DraftRows& rows);
  bool try_source_of(const StepPrice& price, const DraftingStream& stream, int64_t index, DraftRows& rows);
  void observe_costs(const StepReport& report, std::span<const DraftChoice> choices);
  void book(const StepReport& report, std::span<const DraftChoice> choices, const Experiment& experiment);
  static double seconds_without_spike(const StepReport& report, const StepPrice& price, int64_t drafted);
  void pay_experiment(const StepReport& report, const Experiment& experiment, double seconds);

  // By streams: sixteen rows of sixteen streams read sixteen states, sixteen rows of one stream one.
  std::map<int64_t, StepCost> step_costs_;
  StepCost head_cost_;
  RegretLedger ledger_;
  DraftHistory all_streams_;
  int64_t steps_ = 0;
  double row_savings_ = 1;  // plain steps that experiments with rows may lose
  double source_savings_ = 1;
  double upkeep_savings_ = kMaxUpkeep;
  double plain_ = 0;       // seconds of a plain step like the last one
  Experiment experiment_;  // of the plan that was not reported yet
  bool measures_plain_ = false;
  std::array<int64_t, StepPrice::kMaxLogitRows + 1> plain_at_ = {};  // by streams: step of the last plain one, from 1
};

}  // namespace moebius
