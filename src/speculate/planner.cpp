// The choice of one step, and what is learned from it.
#include "speculate/planner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace moebius {
namespace {

constexpr DraftSource kSources[] = {DraftSource::kMtp, DraftSource::kNgram};

int64_t drafted(std::span<const DraftChoice> choices) {
  return std::accumulate(choices.begin(), choices.end(), int64_t{0},
                         [](int64_t sum, const DraftChoice& choice) { return sum + choice.depth; });
}

}  // namespace

std::vector<DraftChoice> Planner::plan(std::span<const DraftingStream> streams, int64_t other_rows) {
  const auto count = static_cast<int64_t>(streams.size());
  experiment_ = {};
  measures_plain_ = false;
  std::vector<DraftChoice> plain(streams.size());
  if (count == 0 || count >= StepPrice::kMaxLogitRows) return plain;
  const StepCost& cost = step_costs_[count];
  measures_plain_ = !cost.known();
  if (measures_plain_) return plain;
  const StepPrice price(cost, head_cost_, count, other_rows);
  const Offers all = offers(price, streams);
  DraftRows rows = plain_rows(price);
  const double enough = (1 + kMargin) * rows.rate();
  // A draft head pays only when enough streams share it, so what is free is tried by itself too.
  for (const auto* some : {&all.best, &all.free}) {
    DraftRows other = choose_rows(price, *some, ledger_.allowance());
    if (other.rate() > std::max(enough, rows.rate())) rows = std::move(other);
  }
  measures_plain_ = plain_is_stale(price, rows.rate() / plain_rows(price).rate() - 1);
  if (measures_plain_) return plain;
  if (other_rows == 0 && !try_rows(price, all, rows)) try_source(price, streams, rows);
  return rows.choices;
}

// A gain that is small must be measured well to be one, and then a plain step costs little: about a hundredth of the
// time, whatever the gain. Beside other rows, whose number changes, only age counts.
bool Planner::plain_is_stale(const StepPrice& price, double gain) const {
  constexpr double kOften = 8;
  constexpr double kRarely = 64;
  constexpr int64_t kEnough = 3;
  const int64_t streams = price.streams();
  const StepCost& cost = step_costs_.at(streams);
  const auto age = static_cast<double>(steps_ + 1 - plain_at_[streams]);
  if (price.rows() == streams && !cost.is_current(streams)) return true;
  if (price.rows() == streams && cost.observations(streams) < kEnough) return age >= kOften / 2;
  return age >= std::clamp(100 * gain, kOften, kRarely);
}

DraftOffer Planner::offer(const DraftingStream& stream, DraftSource source) const {
  DraftOffer offer{.source = source};
  const int64_t max_depth = std::min(stream.max_drafts[static_cast<size_t>(source)], SpeculationMode::kMaxDepth);
  const Acceptance& acceptance = stream.history->acceptance(source);
  const Acceptance& others = all_streams_.acceptance(source);
  double probability = Acceptance::kFirstGuess;
  double reached = 1;
  for (int64_t j = 1; j <= max_depth; ++j) {
    probability = acceptance.next(j, probability, &others);
    reached *= probability;
    if (reached < kWorthARow) break;
    offer.reached[offer.max_depth++] = reached;
  }
  return offer;
}

Planner::Offers Planner::offers(const StepPrice& price, std::span<const DraftingStream> streams) const {
  Offers all;
  for (const DraftingStream& stream : streams) {
    const DraftOffer head = offer(stream, DraftSource::kMtp);
    const DraftOffer free = offer(stream, DraftSource::kNgram);
    const bool head_is_better = best_rate_alone(price, head, price.streams()) > best_rate_alone(price, free, 1);
    all.free.push_back(free);
    all.best.push_back(head_is_better ? head : free);
  }
  return all;
}

// The even estimate says what the experiment will lose; when it is right, nothing is found out that pays.
bool Planner::try_rows(const StepPrice& price, const Offers& offers, DraftRows& rows) {
  const double rate = rows.rate();
  DraftRows other = curious_rows(price, offers.best, rate * (1 + kCuriosity), ledger_.allowance());
  const double regret = (other.seconds - other.tokens / rate) / price.plain();
  if (drafted(other.choices) == 0 || regret > row_savings_) return false;
  experiment_ = {.rate = rate, .tokens = other.tokens};
  rows = std::move(other);
  return true;
}

bool Planner::try_source(const StepPrice& price, std::span<const DraftingStream> streams, DraftRows& rows) {
  const auto count = static_cast<int64_t>(streams.size());
  if (count + drafted(rows.choices) >= StepPrice::kMaxLogitRows) return false;
  for (int64_t turn = 0; turn < count; ++turn) {
    const int64_t index = (steps_ + turn) % count;
    if (try_source_of(price, streams[index], index, rows)) return true;
  }
  return false;
}

// One draft; a stream that drafts already changes its source for this step.
bool Planner::try_source_of(const StepPrice& price, const DraftingStream& stream, int64_t index, DraftRows& rows) {
  const DraftChoice before = rows.choices[index];
  for (const DraftSource source : kSources) {
    const bool used = before.depth > 0 && before.source == source;
    const int64_t max_depth = stream.max_drafts[static_cast<size_t>(source)];
    if (max_depth == 0 || used || !stream.history->is_due(source)) continue;
    std::vector<DraftChoice> choices = rows.choices;
    choices[index] = {source, std::clamp<int64_t>(before.depth, 1, std::min(max_depth, SpeculationMode::kMaxDepth))};
    double others = rows.tokens - 1;
    if (before.depth > 0) others -= offer(stream, before.source).expected(before.depth);
    const double loss = price.worst_loss(choices);
    const double regret = loss + 1 - (others + 1) / (rows.rate() * price.plain());
    if (loss > ledger_.allowance() || regret > source_savings_) continue;
    experiment_ = {.rate = rows.rate(), .tokens = others, .stream = index};
    rows.choices = std::move(choices);
    return true;
  }
  return false;
}

void Planner::observe(const StepReport& report) {
  std::vector<DraftChoice> choices;
  for (const DraftedStream& stream : report.streams) {
    choices.push_back(stream.choice);
    for (const DraftSource source : kSources) {
      DraftTrial trial{stream.choice.depth, stream.accepted};
      if (stream.choice.depth == 0 || stream.choice.source != source) trial = {};
      if (trial.drafted == 0 && source == DraftSource::kNgram) trial = stream.watched;
      stream.history->observe(source, trial);
      all_streams_.observe(source, trial);
    }
  }
  ++steps_;
  const Experiment experiment = std::exchange(experiment_, {});
  if (choices.empty()) return;
  observe_costs(report, choices);
  book(report, choices, experiment);
}

void Planner::observe_costs(const StepReport& report, std::span<const DraftChoice> choices) {
  const auto count = static_cast<int64_t>(choices.size());
  const int64_t rows = count + drafted(choices) + report.other_rows;
  StepCost& cost = step_costs_[count];
  cost.observe(rows, report.seconds);
  if (drafted(choices) == 0 && count <= StepPrice::kMaxLogitRows) plain_at_[count] = steps_;
  if (report.head_seconds == 0 || !cost.known()) return;
  // One time for all steps of the head, of ever fewer streams: each has the share that it was expected to have. Only
  // one is looked at, by turns: three numbers that one slow step made are not three that agree.
  const StepPrice price(cost, head_cost_, count, report.other_rows);
  const double all_seconds = price.head_seconds(choices);
  std::vector<int64_t> streams;
  for (int64_t step = 1; step <= SpeculationMode::kMaxDepth; ++step) {
    streams.push_back(streams_of_head(choices, step));
    if (streams.back() == 0) streams.pop_back();
  }
  streams.erase(std::unique(streams.begin(), streams.end()), streams.end());
  if (streams.empty()) return;
  const int64_t turn = streams[static_cast<size_t>(steps_) % streams.size()];
  head_cost_.observe(turn, report.head_seconds * price.head_seconds(turn) / all_seconds);
}

void Planner::book(const StepReport& report, std::span<const DraftChoice> choices, const Experiment& experiment) {
  const auto count = static_cast<int64_t>(choices.size());
  const StepCost& cost = step_costs_.at(count);
  if (!cost.known()) return;
  const StepPrice price(cost, head_cost_, count, report.other_rows);
  double tokens = 1;
  for (const DraftedStream& stream : report.streams) {
    tokens += static_cast<double>(stream.accepted) / static_cast<double>(count);
  }
  plain_ = price.plain();
  const double upkeep = report.upkeep_seconds / plain_;
  upkeep_savings_ = std::min(upkeep_savings_ + kUpkeepShare * tokens - upkeep, kMaxUpkeep);
  for (double* savings : {&row_savings_, &source_savings_}) {
    *savings = std::min(*savings + kExperimentShare * tokens, kMaxSavings);
  }
  double loss = upkeep;
  if (const int64_t extra = drafted(choices); extra > 0) {
    const double seconds = seconds_without_spike(report, price, extra) + report.head_seconds;
    loss += seconds / plain_ - tokens;
    pay_experiment(report, experiment, seconds);
  }
  ledger_.record_regret(tokens, loss);
}

// A step that took longer than its like, or than so many rows that share nothing, did so without help of its drafts.
double Planner::seconds_without_spike(const StepReport& report, const StepPrice& price, int64_t drafted) {
  constexpr double kSpike = 1.25;
  const double expected = price.seconds(drafted, StepPrice::Mood::kCareful);
  if (price.rows() + drafted > StepCost::kMaxRows) return expected;
  return std::min(report.seconds - price.others(), kSpike * expected);
}

// What the step took longer than the best step known would have for as many tokens; luck of streams that it was not
// about left out.
void Planner::pay_experiment(const StepReport& report, const Experiment& experiment, double seconds) {
  if (experiment.rate == 0) return;
  double tokens = experiment.tokens;
  if (experiment.stream >= 0) tokens += static_cast<double>(1 + report.streams[experiment.stream].accepted);
  const double regret = (seconds - tokens / experiment.rate) / plain_;
  double& savings = experiment.stream >= 0 ? source_savings_ : row_savings_;
  savings = std::min(savings - regret, kMaxSavings);
}

}  // namespace moebius
