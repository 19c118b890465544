// The plan of one step, and what is learned from the report of the step.
#include "speculate/planner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace moebius::internal {
namespace {

constexpr DraftSource kSources[] = {DraftSource::kMtp, DraftSource::kNgram};

int64_t drafted(std::span<const DraftChoice> choices) {
  return std::accumulate(choices.begin(), choices.end(), int64_t{0},
                         [](int64_t sum, const DraftChoice& choice) { return sum + choice.depth; });
}

}  // namespace

std::vector<DraftChoice> Planner::plan(std::span<const DraftingSequence> sequences, int64_t other_rows) {
  const auto count = static_cast<int64_t>(sequences.size());
  exploration_ = {};
  measures_plain_ = false;
  std::vector<DraftChoice> plain(sequences.size());
  if (count == 0 || count >= kMaxLogitRows) return plain;
  const StepCost& cost = step_costs_[count];
  measures_plain_ = !cost.known();
  if (measures_plain_) return plain;
  const StepPrice price(cost, head_cost_, count, other_rows);
  const Offers offers = offers_of(price, sequences);
  DraftRows rows = plain_rows(price);
  const double enough = (1 + kMargin) * rows.rate();
  // A draft head only pays when enough sequences share it. So the free drafts of prompt look-up also compete alone.
  for (const auto* candidates : {&offers.best, &offers.ngram}) {
    DraftRows other = choose_rows(price, *candidates, ledger_.allowance());
    if (other.rate() > std::max(enough, rows.rate())) rows = std::move(other);
  }
  measures_plain_ = plain_is_stale(price, rows.rate() / plain_rows(price).rate() - 1);
  if (measures_plain_) return plain;
  if (other_rows == 0 && !explore_rows(price, offers, rows)) explore_sources(price, sequences, rows);
  return rows.choices;
}

// Whether a plain step should be measured again. `gain` is the gain of the best choice over plain decoding. A small
// gain is only real if plain steps are measured well, and plain steps lose little time when the gain is small. So they
// are repeated at intervals in proportion to the gain, and cost about a hundredth of the time whatever the gain. In
// steps with other rows, whose number changes, only the age of the measurement counts.
bool Planner::plain_is_stale(const StepPrice& price, double gain) const {
  constexpr double kMinInterval = 8;   // steps
  constexpr double kMaxInterval = 64;  // steps
  constexpr int64_t kEnoughObservations = 3;
  const int64_t sequences = price.sequences();
  const StepCost& cost = step_costs_.at(sequences);
  const auto age = static_cast<double>(steps_ + 1 - plain_at_[sequences]);
  if (price.rows() == sequences && !cost.is_current(sequences)) return true;
  if (price.rows() == sequences && cost.observations(sequences) < kEnoughObservations) return age >= kMinInterval / 2;
  return age >= std::clamp(100 * gain, kMinInterval, kMaxInterval);
}

DraftOffer Planner::offer_of(const DraftingSequence& sequence, DraftSource source) const {
  DraftOffer offer{.source = source};
  const int64_t max_depth = std::min(sequence.max_drafts[static_cast<size_t>(source)], SpeculationMode::kMaxDepth);
  const Acceptance& acceptance = sequence.history->acceptance(source);
  const Acceptance& others = all_sequences_.acceptance(source);
  double probability = Acceptance::kPrior;
  double reached = 1;
  for (int64_t j = 1; j <= max_depth; ++j) {
    probability = acceptance.conditional_probability(j, probability, &others);
    reached *= probability;
    if (reached < kMinReached) break;
    offer.reached[offer.max_depth++] = reached;
  }
  return offer;
}

Planner::Offers Planner::offers_of(const StepPrice& price, std::span<const DraftingSequence> sequences) const {
  Offers offers;
  for (const DraftingSequence& sequence : sequences) {
    const DraftOffer head = offer_of(sequence, DraftSource::kMtp);
    const DraftOffer ngram = offer_of(sequence, DraftSource::kNgram);
    const bool head_is_better = best_rate_alone(price, head, price.sequences()) > best_rate_alone(price, ngram, 1);
    offers.ngram.push_back(ngram);
    offers.best.push_back(head_is_better ? head : ngram);
  }
  return offers;
}

// Explores a number of rows that is optimistically cheaper than expected. The cost of the exploration is what it loses
// if the expected time of the step is right, because then it finds nothing that pays.
bool Planner::explore_rows(const StepPrice& price, const Offers& offers, DraftRows& rows) {
  const double rate = rows.rate();
  DraftRows other = exploration_rows(price, offers.best, rate * (1 + kMinExplorationGain), ledger_.allowance());
  const double cost = (other.seconds - other.tokens / rate) / price.plain_seconds();
  if (drafted(other.choices) == 0 || cost > row_exploration_budget_) return false;
  exploration_ = {.rate = rate, .tokens = other.tokens};
  rows = std::move(other);
  return true;
}

// Explores an unused source of one sequence. The sequences take turns.
bool Planner::explore_sources(const StepPrice& price, std::span<const DraftingSequence> sequences, DraftRows& rows) {
  const auto count = static_cast<int64_t>(sequences.size());
  if (count + drafted(rows.choices) >= kMaxLogitRows) return false;
  for (int64_t turn = 0; turn < count; ++turn) {
    const int64_t index = (steps_ + turn) % count;
    if (explore_sources_of(price, sequences[index], index, rows)) return true;
  }
  return false;
}

// A sequence without drafts gets one draft of an unused source. A sequence that already drafts changes its source for
// one step.
bool Planner::explore_sources_of(const StepPrice& price, const DraftingSequence& sequence, int64_t index,
                                 DraftRows& rows) {
  const DraftChoice before = rows.choices[index];
  for (const DraftSource source : kSources) {
    const bool used = before.depth > 0 && before.source == source;
    const int64_t max_depth = sequence.max_drafts[static_cast<size_t>(source)];
    if (max_depth == 0 || used || !sequence.history->is_exploration_due(source)) continue;
    std::vector<DraftChoice> choices = rows.choices;
    choices[index] = {source, std::clamp<int64_t>(before.depth, 1, std::min(max_depth, SpeculationMode::kMaxDepth))};
    double others = rows.tokens - 1;
    if (before.depth > 0) others -= offer_of(sequence, before.source).expected_tokens(before.depth);
    const double regret = price.worst_case_regret(choices);
    const double cost = regret + 1 - (others + 1) / (rows.rate() * price.plain_seconds());
    if (regret > ledger_.allowance() || cost > source_exploration_budget_) continue;
    exploration_ = {.rate = rows.rate(), .tokens = others, .sequence = index};
    rows.choices = std::move(choices);
    return true;
  }
  return false;
}

void Planner::observe(const StepReport& report) {
  std::vector<DraftChoice> choices;
  for (const DraftedSequence& sequence : report.sequences) {
    choices.push_back(sequence.choice);
    for (const DraftSource source : kSources) {
      DraftTrial trial{sequence.choice.depth, sequence.accepted};
      if (sequence.choice.depth == 0 || sequence.choice.source != source) trial = {};
      if (trial.drafted == 0 && source == DraftSource::kNgram) trial = sequence.watched;
      sequence.history->observe(source, trial);
      all_sequences_.observe(source, trial);
    }
  }
  ++steps_;
  const Exploration exploration = std::exchange(exploration_, {});
  if (choices.empty()) return;
  observe_costs(report, choices);
  record_regret(report, choices, exploration);
}

void Planner::observe_costs(const StepReport& report, std::span<const DraftChoice> choices) {
  const auto count = static_cast<int64_t>(choices.size());
  const int64_t rows = count + drafted(choices) + report.other_rows;
  StepCost& cost = step_costs_[count];
  cost.observe(rows, report.seconds);
  if (drafted(choices) == 0 && count <= kMaxLogitRows) plain_at_[count] = steps_;
  if (report.head_seconds == 0 || !cost.known()) return;
  // The report has one time for all steps of the draft head. Later steps serve fewer sequences. Each step is assigned
  // the share of the time that was expected of it. Only one number of sequences is observed for each report, and the
  // numbers take turns. Otherwise one slow step would make several observations that seem to confirm each other.
  const StepPrice price(cost, head_cost_, count, report.other_rows);
  const double all_seconds = price.head_seconds(choices);
  std::vector<int64_t> sequences;
  for (int64_t step = 1; step <= SpeculationMode::kMaxDepth; ++step) {
    sequences.push_back(sequences_of_head(choices, step));
    if (sequences.back() == 0) sequences.pop_back();
  }
  sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
  if (sequences.empty()) return;
  const int64_t turn = sequences[static_cast<size_t>(steps_) % sequences.size()];
  head_cost_.observe(turn, report.head_seconds * price.head_seconds(turn) / all_seconds);
}

void Planner::record_regret(const StepReport& report, std::span<const DraftChoice> choices,
                            const Exploration& exploration) {
  const auto count = static_cast<int64_t>(choices.size());
  const StepCost& cost = step_costs_.at(count);
  if (!cost.known()) return;
  const StepPrice price(cost, head_cost_, count, report.other_rows);
  double tokens = 1;
  for (const DraftedSequence& sequence : report.sequences) {
    tokens += static_cast<double>(sequence.accepted) / static_cast<double>(count);
  }
  plain_seconds_ = price.plain_seconds();
  const double upkeep = report.upkeep_seconds / plain_seconds_;
  upkeep_budget_ = std::min(upkeep_budget_ + kUpkeepShare * tokens - upkeep, kMaxUpkeepBudget);
  for (double* budget : {&row_exploration_budget_, &source_exploration_budget_}) {
    *budget = std::min(*budget + kExplorationShare * tokens, kMaxExplorationBudget);
  }
  double regret = upkeep;
  if (const int64_t extra = drafted(choices); extra > 0) {
    const double seconds = seconds_without_spike(report, price, extra) + report.head_seconds;
    regret += seconds / plain_seconds_ - tokens;
    charge_exploration(report, exploration, seconds);
  }
  ledger_.record_regret(tokens, regret);
}

// The time of a step without its other rows, bounded by a little more than the pessimistic time. A step that took
// longer than that was slow for another reason than its drafts, so the rest of its time is not regret of speculation.
double Planner::seconds_without_spike(const StepReport& report, const StepPrice& price, int64_t drafted) {
  constexpr double kSpike = 1.25;
  const double expected = price.seconds(drafted, StepPrice::Estimate::kPessimistic);
  if (price.rows() + drafted > StepCost::kMaxRows) return expected;
  return std::min(report.seconds - price.other_seconds(), kSpike * expected);
}

// Charges an exploration budget with the time that the step took, minus the time in which the best known choice would
// have brought as many tokens. When a sequence explores a source, the other sequences count with their expected tokens,
// so that their luck does not matter.
void Planner::charge_exploration(const StepReport& report, const Exploration& exploration, double seconds) {
  if (exploration.rate == 0) return;
  double tokens = exploration.tokens;
  if (exploration.sequence >= 0) tokens += static_cast<double>(1 + report.sequences[exploration.sequence].accepted);
  const double cost = (seconds - tokens / exploration.rate) / plain_seconds_;
  double& budget = exploration.sequence >= 0 ? source_exploration_budget_ : row_exploration_budget_;
  budget = std::min(budget - cost, kMaxExplorationBudget);
}

}  // namespace moebius::internal
