// For tests: a simulation of an engine on a machine whose costs are a formula. With it the regret of the planner can be
// tested without a clock. Sequences never end. A hash of its place decides whether a draft is right.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "speculate/planner.h"
#include "speculate/unit_hash.h"

namespace moebius::internal::testing {

struct SimulatedSource {
  bool is_present = false;
  // The probability that a draft of the token at this position of the text is right, if the token is `depth` tokens
  // behind the confirmed one.
  std::function<double(int64_t position, int64_t depth)> rate = [](int64_t, int64_t) { return 0.0; };
};

struct Simulation {
  std::function<double(int64_t rows)> seconds;  // the time of a step
  // The time of one step of the draft head, as a share of a step of the model with as many rows.
  double head_share = 0.18;
  int64_t sequences = 1;
  int64_t tokens = 4000;  // the tokens of each sequence, on average
  SimulatedSource mtp;
  SimulatedSource ngram;
  bool watch_ngrams = false;
  double noise = 0;        // the standard deviation of log seconds
  double spike_share = 0;  // the share of steps that take three times as long
  // A factor on the time of every step, which stands for a machine that becomes slower or faster.
  std::function<double(int64_t step)> drift = [](int64_t) { return 1.0; };
  uint64_t seed = 1;
};

// Sums from the start of the simulation to the end of one step.
struct SimulatedStep {
  double seconds = 0;
  double plain_seconds = 0;  // the time that plain steps would have taken for as many tokens
  double tokens = 0;         // the tokens of each sequence, on average
};

class Simulator {
 public:
  explicit Simulator(const Simulation& simulation) : world_(simulation) {
    for (int64_t i = 0; i < world_.sequences; ++i) sequences_.push_back({});
  }

  std::vector<SimulatedStep> run() {
    while (steps_.empty() || steps_.back().tokens < static_cast<double>(world_.tokens)) run_step();
    return steps_;
  }

  [[nodiscard]] int64_t drafted(DraftSource source) const { return drafted_[static_cast<size_t>(source)]; }

 private:
  struct Sequence {
    DraftHistory history;
    int64_t position = 0;
  };

  [[nodiscard]] const SimulatedSource& source_of(DraftSource source) const {
    return source == DraftSource::kMtp ? world_.mtp : world_.ngram;
  }

  [[nodiscard]] int64_t accepted(int64_t sequence, DraftSource source, int64_t depth) const {
    const int64_t position = sequences_[sequence].position;
    const uint64_t seed =
        world_.seed * 1000 + static_cast<uint64_t>(sequence * kDraftSources) + static_cast<uint64_t>(source);
    for (int64_t j = 1; j <= depth; ++j) {
      const double roll = unit_hash(seed, (position + j) * 16 + j);
      if (roll >= source_of(source).rate(position + j, j)) return j - 1;
    }
    return depth;
  }

  [[nodiscard]] double noise_of_step() const {
    const auto step = static_cast<int64_t>(steps_.size());
    double bell = -6;  // becomes nearly normal: the sum of twelve uniform numbers has variance 1
    for (int64_t i = 0; i < 12; ++i) bell += unit_hash(world_.seed + 77, step * 16 + i);
    const bool spike = unit_hash(world_.seed + 78, step) < world_.spike_share;
    return std::exp(world_.noise * bell) * (spike ? 3 : 1) * world_.drift(step);
  }

  [[nodiscard]] double mean_noise() const {
    const double drift = world_.drift(static_cast<int64_t>(steps_.size()));
    return std::exp(world_.noise * world_.noise / 2) * (1 + 2 * world_.spike_share) * drift;
  }

  DraftedSequence verify(int64_t index, const DraftChoice& choice) {
    Sequence& sequence = sequences_[index];
    DraftedSequence drafted{.history = &sequence.history, .choice = choice};
    drafted.accepted = accepted(index, choice.source, choice.depth);
    if (world_.watch_ngrams) {
      const int64_t seen = drafted.accepted + 1;
      drafted.watched = {seen, accepted(index, DraftSource::kNgram, seen)};
    }
    drafted_[static_cast<size_t>(choice.source)] += choice.depth;
    sequence.position += 1 + drafted.accepted;
    return drafted;
  }

  [[nodiscard]] double head_seconds(std::span<const DraftChoice> choices) const {
    double sum = 0;
    for (int64_t step = 1; step <= SpeculationMode::kMaxDepth; ++step) {
      const int64_t sequences = sequences_of_head(choices, step);
      if (sequences > 0) sum += world_.head_share * world_.seconds(sequences);
    }
    return sum;
  }

  void run_step() {
    const int64_t max_drafts = SpeculationMode::kMaxDepth;
    std::vector<DraftingSequence> before;
    for (const Sequence& sequence : sequences_) {
      before.push_back(
          {&sequence.history, {world_.mtp.is_present ? max_drafts : 0, world_.ngram.is_present ? max_drafts : 0}});
    }
    const std::vector<DraftChoice> choices = planner_.plan(before, 0);
    std::vector<DraftedSequence> after;
    int64_t rows = world_.sequences;
    double tokens = 1;
    for (int64_t i = 0; i < world_.sequences; ++i) {
      after.push_back(verify(i, choices[i]));
      rows += choices[i].depth;
      tokens += static_cast<double>(after.back().accepted) / static_cast<double>(world_.sequences);
    }
    const double factor = noise_of_step();
    const StepReport report{
        .sequences = after, .seconds = factor * world_.seconds(rows), .head_seconds = factor * head_seconds(choices)};
    planner_.observe(report);
    SimulatedStep now = steps_.empty() ? SimulatedStep{} : steps_.back();
    now.seconds += report.seconds + report.head_seconds;
    now.plain_seconds += tokens * world_.seconds(world_.sequences) * mean_noise();
    now.tokens += tokens;
    steps_.push_back(now);
  }

  Simulation world_;
  Planner planner_;
  std::vector<Sequence> sequences_;
  std::array<int64_t, kDraftSources> drafted_ = {};
  std::vector<SimulatedStep> steps_;
};

// The worst quotient of time and plain time over all windows. A window is a sequence of steps with at least `tokens`
// tokens, and has no more steps than it needs for them.
inline double worst_window(const std::vector<SimulatedStep>& steps, double tokens) {
  double worst = 0;
  SimulatedStep start;
  size_t next = 0;
  for (const SimulatedStep& end : steps) {
    while (end.tokens - start.tokens >= tokens) {
      worst = std::max(worst, (end.seconds - start.seconds) / (end.plain_seconds - start.plain_seconds));
      start = steps[next++];
    }
  }
  return worst;
}

}  // namespace moebius::internal::testing
