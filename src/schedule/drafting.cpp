// Implements the drafts of a step, which drafting.h declares.
#include "schedule/drafting.h"

#include <algorithm>
#include <utility>

namespace moebius::internal {
namespace {

constexpr auto kMtp = static_cast<size_t>(DraftSource::kMtp);
constexpr auto kNgram = static_cast<size_t>(DraftSource::kNgram);

bool has_fixed_depth(const Sequence* sequence) { return sequence->spec.speculation.depth > 0; }

}  // namespace

Drafting::Drafting(DraftHead* head, int64_t max_rows, int64_t context, Clock clock)
    : head_(head), max_rows_(max_rows), context_(context), clock_(std::move(clock)) {}

// Counts only drafts that can still be drawn: the context or the token limit may end the sequence earlier.
int64_t Drafting::max_drafts(const Sequence& sequence) const {
  const int64_t room = context_ - std::ssize(sequence.tokens);
  const int64_t wanted = sequence.spec.max_tokens - sequence.outcome.usage.tokens - 1;
  return std::max<int64_t>(std::min({max_rows_ - 1, SpeculationMode::kMaxDepth, room, wanted}), 0);
}

std::span<const std::vector<int32_t>> Drafting::plan(std::span<Sequence* const> sequences, const PromptRows& prompts) {
  sequences_.assign(sequences.begin(), sequences.end());
  prompts_ = prompts;
  offers_.assign(sequences.size(), {});
  looked_up_.assign(sequences.size(), {});
  choices_.assign(sequences.size(), {});
  for (Sequence* sequence : sequences_) {
    if (DraftHead::pending(*sequence) >= DraftHead::kFeedFrom) update_head(*sequence);
  }
  const double start = clock_();
  for (size_t i = 0; i < sequences.size(); ++i) {
    offers_[i].history = &sequences_[i]->drafts.history;
    if (pause_ == 0 || has_fixed_depth(sequences_[i])) look_up_drafts(i);
  }
  choose_depths();
  trim_depths();
  plan_seconds_ = clock_() - start;
  make_drafts();
  return drafts_;
}

void Drafting::look_up_drafts(size_t index) {
  const Sequence& sequence = *sequences_[index];
  const int64_t room = max_drafts(sequence);
  if (room == 0) return;
  const SpeculationMode& mode = sequence.spec.speculation;
  std::vector<int32_t>& found = looked_up_[index];
  if (mode.ngram) {
    found = sequence.spec.drafts ? sequence.spec.drafts(std::ssize(sequence.tokens), room)
                                 : sequence.drafts.ngrams.propose(room);
  }
  offers_[index].max_drafts[kNgram] = std::ssize(found);
  offers_[index].max_drafts[kMtp] = mode.mtp && DraftHead::can_draft(sequence) ? room : 0;
}

void Drafting::begin_step() {
  late_upkeep_seconds_ += std::exchange(upkeep_seconds_, 0);
  start_ = clock_();
}

void Drafting::update_head(Sequence& sequence) {
  if (!sequence.drafts.hidden.has_memory() || DraftHead::pending(sequence) == 0) return;
  if (planner_.can_afford(pair_seconds_ * static_cast<double>(DraftHead::pending(sequence)))) {
    feed_pending(sequence);
  } else {
    head_->drop_pending(sequence);
  }
}

void Drafting::feed_pending(Sequence& sequence) {
  constexpr int64_t kMany = 32;    // fewer pairs say too little about the time of one pair
  constexpr double kSlower = 1.1;  // the greatest rise of the estimate at once, because a slow run may be chance
  const int64_t pairs = DraftHead::pending(sequence);
  const double start = clock_();
  head_->feed_pending(sequence);
  const double seconds = clock_() - start;
  upkeep_seconds_ += seconds;
  if (pairs < kMany) return;
  const double one = seconds / static_cast<double>(pairs);
  pair_seconds_ = pair_seconds_ == 0 ? one : std::min(one, kSlower * pair_seconds_);
}

// Chooses the depth of every sequence. The planner does not choose for a sequence whose depth the user has fixed. It
// treats the rows of such a sequence like the rows of prompts.
void Drafting::choose_depths() {
  std::vector<DraftingSequence> planned;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    if (!has_fixed_depth(sequences_[i])) {
      planned.push_back(offers_[i]);
      continue;
    }
    const SpeculationMode& mode = sequences_[i]->spec.speculation;
    const DraftSource source = mode.mtp ? DraftSource::kMtp : DraftSource::kNgram;
    choices_[i] = {source, std::min(mode.depth, offers_[i].max_drafts[static_cast<size_t>(source)])};
  }
  if (pause_ > 0) return;
  const std::vector<DraftChoice> chosen = planner_.plan(planned, rows_beside());
  auto next = chosen.begin();
  for (size_t i = 0; i < sequences_.size(); ++i) {
    if (!has_fixed_depth(sequences_[i])) choices_[i] = *next++;
  }
}

// Counts the rows of the step that the planner does not decide about.
int64_t Drafting::rows_beside() const {
  int64_t rows = prompts_.rows;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    if (has_fixed_depth(sequences_[i])) rows += 1 + choices_[i].depth;
  }
  return rows;
}

// Shortens the deepest drafts until the step has at most kMaxLogitRows rows of logits. Prompts need some of these rows.
void Drafting::trim_depths() {
  int64_t rows = std::ssize(sequences_) + prompts_.drawn_from;
  for (const DraftChoice& choice : choices_) rows += choice.depth;
  for (; rows > kMaxLogitRows && !choices_.empty(); --rows) {
    DraftChoice& deepest = *std::ranges::max_element(choices_, {}, &DraftChoice::depth);
    if (deepest.depth == 0) return;
    deepest.depth -= 1;
  }
}

void Drafting::make_drafts() {
  drafts_.assign(sequences_.size(), {});
  std::vector<HeadJob> jobs;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const DraftChoice& choice = choices_[i];
    if (choice.depth == 0) continue;
    if (choice.source == DraftSource::kMtp) {
      // One step leaves at most kMaxDepth + 1 pending pairs. The time of feeding more pairs is not the price of these
      // drafts, so it counts as upkeep.
      if (DraftHead::pending(*sequences_[i]) > SpeculationMode::kMaxDepth + 1) update_head(*sequences_[i]);
      jobs.push_back({.sequence = sequences_[i], .depth = choice.depth});
    } else {
      drafts_[i].assign(looked_up_[i].begin(), looked_up_[i].begin() + choice.depth);
    }
  }
  const double start = clock_();
  if (!jobs.empty()) head_->draft(jobs);
  for (HeadJob& job : jobs) {
    drafts_[static_cast<size_t>(std::ranges::find(sequences_, job.sequence) - sequences_.begin())] =
        std::move(job.drafts);
  }
  head_seconds_ = jobs.empty() ? 0 : clock_() - start;
}

void Drafting::observe(std::span<const DraftOutcome> outcomes) {
  const double upkeep_seconds = std::exchange(upkeep_seconds_, 0);
  const double seconds = clock_() - start_ - upkeep_seconds;
  std::vector<DraftedSequence> drafted;
  int64_t head_drafts = 0;
  int64_t planned_head_drafts = 0;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    choices_[i].depth = std::ssize(drafts_[i]);
    const bool is_planned = !has_fixed_depth(sequences_[i]);
    const int64_t of_head = choices_[i].source == DraftSource::kMtp ? choices_[i].depth : 0;
    head_drafts += of_head;
    planned_head_drafts += is_planned ? of_head : 0;
    if (is_planned) drafted.push_back(outcome_of(i, outcomes[i]));
  }
  const double share =
      head_drafts == 0 ? 0 : static_cast<double>(planned_head_drafts) / static_cast<double>(head_drafts);
  planner_.observe({.sequences = drafted,
                    .other_rows = rows_beside(),
                    .seconds = seconds - head_seconds_,
                    .head_seconds = head_seconds_ * share,
                    .upkeep_seconds = upkeep_seconds + late_upkeep_seconds_});
  if (!drafted.empty()) late_upkeep_seconds_ = 0;
  pause_ = pause_ > 0 ? pause_ - 1 : pause_after(seconds);
}

DraftedSequence Drafting::outcome_of(size_t index, const DraftOutcome& outcome) {
  Sequence& sequence = *sequences_[index];
  const DraftChoice& choice = choices_[index];
  DraftedSequence one = {.history = &sequence.drafts.history, .choice = choice, .accepted = outcome.accepted};
  if (choice.source == DraftSource::kNgram && choice.depth > 0) return one;
  const auto drawn = std::span(sequence.tokens).last(outcome.drawn);
  const auto guessed = std::span(looked_up_[index]).first(std::min(looked_up_[index].size(), drawn.size()));
  one.watched = {std::ssize(guessed), std::ranges::mismatch(guessed, drawn).in1 - guessed.begin()};
  return one;
}

// Returns how many steps run without a plan. A plan takes microseconds: this is nothing beside a step of a large model,
// but too much beside a step of a tiny model. When no draft was worth its price, so many steps run without a plan that
// the plan becomes a small part of their time.
int64_t Drafting::pause_after(double step_seconds) const {
  constexpr double kShare = 0.005;
  constexpr double kMaxSteps = 8;
  const bool is_plain = std::ranges::all_of(choices_, [](const DraftChoice& choice) { return choice.depth == 0; });
  if (!is_plain || planner_.measures_plain() || step_seconds == 0) return 0;
  return static_cast<int64_t>(std::min(plan_seconds_ / (kShare * step_seconds), kMaxSteps));
}

}  // namespace moebius::internal
