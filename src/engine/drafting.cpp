// See drafting.h.
#include "engine/drafting.h"

#include <algorithm>
#include <utility>

namespace moebius {
namespace {

constexpr auto kMtp = static_cast<size_t>(DraftSource::kMtp);
constexpr auto kNgram = static_cast<size_t>(DraftSource::kNgram);

bool has_fixed_depth(const Stream* stream) { return stream->spec.speculation.depth > 0; }

}  // namespace

Drafting::Drafting(DraftHead* head, int64_t most_rows, int64_t context, Clock clock)
    : head_(head),
      most_rows_(most_rows),
      context_(context),
      clock_(std::move(clock)),
      planner_(SpeculationMode{.mtp = true, .ngram = true}) {}

// A draft that cannot be drawn any more is not worth a row.
int64_t Drafting::most_drafts(const Stream& stream) const {
  const int64_t room = context_ - std::ssize(stream.tokens);
  const int64_t wanted = stream.spec.max_tokens - stream.usage.tokens - 1;
  return std::max<int64_t>(std::min({most_rows_ - 1, SpeculationMode::kMostDepth, room, wanted}), 0);
}

std::span<const std::vector<int32_t>> Drafting::plan(std::span<Stream* const> streams, const PromptRows& prompts) {
  streams_.assign(streams.begin(), streams.end());
  prompts_ = prompts;
  for (Stream* stream : streams_) {
    if (DraftHead::pending(*stream) >= DraftHead::kCatchUpFrom) keep_up(*stream);
  }
  offers_.assign(streams.size(), {});
  looked_up_.assign(streams.size(), {});
  for (size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = *streams[i];
    const int64_t most = most_drafts(stream);
    offers_[i].history = &stream.drafts;
    if (most == 0) continue;
    if (stream.spec.speculation.ngram) {
      looked_up_[i] =
          stream.spec.drafts ? stream.spec.drafts(std::ssize(stream.tokens), most) : stream.ngrams.propose(most);
    }
    offers_[i].most[kNgram] = std::ssize(looked_up_[i]);
    offers_[i].most[kMtp] = stream.spec.speculation.mtp && stream.hidden.data != nullptr ? most : 0;
  }
  choices_ = choose();
  trim();
  make();
  return drafts_;
}

void Drafting::begin() {
  late_upkeep_seconds_ = std::exchange(upkeep_seconds_, 0);
  start_ = clock_();
}

void Drafting::keep_up(Stream& stream) {
  if (stream.hidden.data == nullptr || DraftHead::pending(stream) == 0) return;
  if (planner_.can_afford(pair_seconds_ * static_cast<double>(DraftHead::pending(stream)))) {
    catch_up(stream);
  } else {
    head_->give_up(stream);
  }
}

void Drafting::catch_up(Stream& stream) {
  constexpr int64_t kMany = 32;  // few say little of what one takes
  const int64_t pairs = DraftHead::pending(stream);
  const double start = clock_();
  head_->catch_up(stream);
  const double seconds = clock_() - start;
  upkeep_seconds_ += seconds;
  if (pairs >= kMany) pair_seconds_ = seconds / static_cast<double>(pairs);
}

// A stream whose depth the user has fixed is not the planner's, and the step not one to learn from.
std::vector<DraftChoice> Drafting::choose() {
  if (std::ranges::none_of(streams_, has_fixed_depth)) return planner_.plan(offers_, prompts_.rows);
  std::vector<DraftChoice> choices(streams_.size());
  for (size_t i = 0; i < streams_.size(); ++i) {
    const SpeculationMode& mode = streams_[i]->spec.speculation;
    const DraftSource source = mode.mtp ? DraftSource::kMtp : DraftSource::kNgram;
    const int64_t most = offers_[i].most[static_cast<size_t>(source)];
    choices[i] = {source, std::min(mode.depth, most)};
  }
  return choices;
}

// Rows of logits are few, and prompts need some.
void Drafting::trim() {
  int64_t rows = std::ssize(streams_) + prompts_.drawn_from;
  for (const DraftChoice& choice : choices_) rows += choice.depth;
  for (; rows > kMaxLogitRows && !choices_.empty(); --rows) {
    DraftChoice& deepest = *std::ranges::max_element(choices_, {}, &DraftChoice::depth);
    if (deepest.depth == 0) return;
    deepest.depth -= 1;
  }
}

void Drafting::make() {
  drafts_.assign(streams_.size(), {});
  std::vector<HeadJob> jobs;
  for (size_t i = 0; i < streams_.size(); ++i) {
    const DraftChoice& choice = choices_[i];
    if (choice.depth == 0) continue;
    if (choice.source == DraftSource::kMtp) {
      // More than a step leaves behind is not the price of these drafts.
      if (DraftHead::pending(*streams_[i]) > SpeculationMode::kMostDepth + 1) catch_up(*streams_[i]);
      jobs.push_back({.stream = streams_[i], .depth = choice.depth});
    } else {
      drafts_[i].assign(looked_up_[i].begin(), looked_up_[i].begin() + choice.depth);
    }
  }
  const double start = clock_();
  if (!jobs.empty()) head_->draft(jobs);
  for (HeadJob& job : jobs) {
    drafts_[static_cast<size_t>(std::ranges::find(streams_, job.stream) - streams_.begin())] = std::move(job.drafts);
  }
  head_seconds_ = jobs.empty() ? 0 : clock_() - start;
}

void Drafting::observe(std::span<const DraftOutcome> outcomes) {
  const double upkeep_seconds = std::exchange(upkeep_seconds_, 0);
  if (std::ranges::any_of(streams_, has_fixed_depth)) return;
  std::vector<DraftedStream> drafted;
  for (size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = *streams_[i];
    DraftedStream one = {.history = &stream.drafts,
                         .choice = {choices_[i].source, std::ssize(drafts_[i])},
                         .accepted = outcomes[i].accepted};
    const bool is_verified = one.choice.source == DraftSource::kNgram && one.choice.depth > 0;
    if (!is_verified) {
      const auto drawn = std::span(stream.tokens).last(outcomes[i].drawn);
      const auto guessed = std::span(looked_up_[i]).first(std::min(looked_up_[i].size(), drawn.size()));
      one.watched = {std::ssize(guessed), std::ranges::mismatch(guessed, drawn).in1 - guessed.begin()};
    }
    drafted.push_back(one);
  }
  planner_.observe({.streams = drafted,
                    .prefill_rows = prompts_.rows,
                    .seconds = clock_() - start_ - head_seconds_ - upkeep_seconds,
                    .head_seconds = head_seconds_,
                    .upkeep_seconds = upkeep_seconds + late_upkeep_seconds_});
}

}  // namespace moebius
