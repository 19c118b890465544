// Decides which sequences run and which wait, and manages the memory that they hold. The steps themselves are in
// scheduler_step.cpp.
#include "schedule/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/checked.h"
#include "model/non_finite.h"

namespace moebius::internal {
namespace {

std::string why(MissReason reason, int64_t known, int64_t reused) {
  switch (reason) {
    case MissReason::kNone:
      return "";
    case MissReason::kNothingCached:
      return "nothing that begins like this is cached";
    case MissReason::kDiverged:
      return fmt::format("it parts from what is cached at token {}", known);
    case MissReason::kNoSnapshot:
      return fmt::format("{} tokens are known, but the state is kept at {} only", known, reused);
  }
  return "";
}

// Returns the row limit of one sequence in a step. All sequences have the same limit, so that a step has room for the
// drafts of all of them. The limit is at least 1: a sequence without drafts has one row.
int64_t max_rows_of_a_sequence(const Model& model, const SchedulerOptions& options) {
  return std::clamp<int64_t>(model.options().draft_rows, 1, model.options().max_rows / options.max_sequences);
}

Error out_of_memory(const std::string& where, int64_t tokens, const MemoryBudget& budget) {
  return {ErrorCode::kUnavailable, where,
          fmt::format("{} tokens do not fit into the {} bytes for keys, values and states, even alone", tokens,
                      budget.limit()),
          "give more memory (--memory), or ask for less"};
}

}  // namespace

Scheduler::Scheduler(Model& model, Backend& backend, const SchedulerOptions& options)
    : model_(model),
      backend_(backend),
      options_(options),
      pool_(model, backend.memory(), options.memory_bytes),
      head_(model.options().mtp.empty() || model.options().draft_rows == 0
                ? nullptr
                : std::make_unique<DraftHead>(model, backend)),
      drafting_(head_.get(), max_rows_of_a_sequence(model, options), model.options().context, options.clock),
      kept_(backend.memory().allocate(DType::kI32, options.max_sequences, 1)),
      bytes_before_(backend.probes().traffic().bytes()) {
  MOEBIUS_CHECK(options.max_sequences >= 1 &&
                options.max_sequences <= std::min(kMaxLogitRows, model.options().max_rows));
}

Scheduler::~Scheduler() {
  for (const SequencePtr& sequence : running_) release(*sequence);
  backend_.memory().free(kept_);
}

void Scheduler::check_fits(int64_t tokens) const {
  if (pool_.bytes_for(tokens) > pool_.budget().limit()) throw out_of_memory("prompt", tokens, pool_.budget());
}

void Scheduler::add(SequenceSpec spec) {
  waiting_.push_back(std::make_unique<Sequence>(std::move(spec)));
  waiting_.back()->outcome.phase_start = options_.clock();
}

void Scheduler::cancel(RequestId id) {
  Sequence* sequence = find(id);
  if (sequence != nullptr && !sequence->has_ended()) sequence->outcome.end = AnswerEnd::kCancelled;
}

Sequence* Scheduler::find(RequestId id) {
  const auto has_id = [id](const SequencePtr& sequence) { return sequence->spec.id == id; };
  if (const auto found = std::ranges::find_if(running_, has_id); found != running_.end()) return found->get();
  const auto found = std::ranges::find_if(waiting_, has_id);
  return found == waiting_.end() ? nullptr : found->get();
}

Stats Scheduler::stats() {
  Stats stats = stats_;
  stats.running = std::ssize(running_);
  stats.waiting = std::ssize(waiting_);
  stats.memory_used = pool_.budget().used();
  stats.memory_peak = pool_.budget().peak();
  stats.memory_limit = pool_.budget().limit();
  stats.cached_tokens = pool_.prefixes().tokens();
  stats.snapshots = pool_.prefixes().snapshots();
  return stats;
}

// ---- sequences that start

void Scheduler::admit() {
  if (running_.empty()) is_full_ = false;
  while (!waiting_.empty() && !is_full_ && std::ssize(running_) < options_.max_sequences) {
    Sequence& sequence = *waiting_.front();
    if (!start(sequence)) {
      release(sequence);
      is_full_ = true;
      if (!running_.empty()) return;
      sequence.outcome.error = out_of_memory("prompt", std::ssize(sequence.tokens), pool_.budget());
      sequence.outcome.end = AnswerEnd::kFailed;
      finish_ended();
      is_full_ = false;
      continue;
    }
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// Takes the memory that the sequence needs to run, and restores what the prefix cache has of it. Returns false when
// there is not enough memory.
bool Scheduler::start(Sequence& sequence) {
  const SequenceSpec& spec = sequence.spec;
  if (Sequence* parent = spec.parent == 0 ? nullptr : find(spec.parent); parent != nullptr && parent->held.state) {
    publish_with_head(*parent);
  }
  PrefixCache::Match match;
  const bool use_cache = options_.prefix_cache && spec.use_prefix_cache;
  std::string reason = "the prefix cache is off";
  if (use_cache) {
    match = pool_.prefixes().find(sequence.tokens, std::ssize(sequence.tokens) - 1);
    reason = why(match.reason, match.known, match.tokens);
  }
  if (!allocate(sequence, match)) {
    // The hit itself may take the missing memory: its pages and snapshot are held beside the copies made of them. Start
    // again without the hit.
    release(sequence);
    match = {};
    reason = "there was no memory for it beside what is cached of it";
    if (!allocate(sequence, match)) return false;
  }
  restore(sequence, match);
  if (use_cache)
    sequence.held.recorder = SnapshotRecorder(pool_, sequence.computed, std::ssize(sequence.tokens), spec.boundaries);
  if (sequence.outcome.usage.preempted > 0) return true;
  sequence.outcome.usage.reused_tokens = match.tokens;
  sequence.outcome.usage.prefix_miss_reason = std::move(reason);
  const double now = options_.clock();
  sequence.outcome.usage.queue_s = now - std::exchange(sequence.outcome.phase_start, now);
  stats_.prompt_tokens += sequence.outcome.usage.prompt_tokens;
  stats_.reused_tokens += match.tokens;
  events_.push_back(
      {spec.id, PromptEvent{.prompt_tokens = sequence.outcome.usage.prompt_tokens, .reused_tokens = match.tokens}});
  return true;
}

// Takes a state, the pages of the hit, and new pages up to the first drawn token. The sequence writes to the positions
// that the hit leaves free in its last page, so that page is copied.
bool Scheduler::allocate(Sequence& sequence, const PrefixCache::Match& match) {
  sequence.held.state = pool_.create_state();
  if (!sequence.held.state) return false;
  sequence.held.pages = match.pages;
  if (match.tokens % kPagePositions != 0) {
    PageRef own = pool_.copy_page(*sequence.held.pages.back());
    if (!own) return false;
    sequence.held.pages.back() = std::move(own);
  }
  return grow(sequence, std::ssize(sequence.tokens) + 1);
}

void Scheduler::restore(Sequence& sequence, const PrefixCache::Match& match) {
  sequence.computed = match.tokens;
  if (match.snapshot) match.snapshot->restore(sequence.held.state->handle(), match.tokens);
  if (head_ && sequence.spec.speculation.mtp) head_->attach(sequence);
}

// Takes pages for `tokens` tokens, but not for more tokens than the sequence can ever have computed. The last token of
// an answer needs no place in a page, because it is only drawn. Returns false when there is not enough memory.
bool Scheduler::grow(Sequence& sequence, int64_t tokens) {
  const int64_t max_tokens = std::ssize(sequence.spec.prompt) + sequence.spec.max_tokens - 1;
  const int64_t wanted = div_up(std::min({tokens, max_tokens, model_.options().context}), kPagePositions);
  bool is_new = sequence.computed == 0;
  while (std::ssize(sequence.held.pages) < wanted) {
    PageRef page = pool_.create_page();
    if (!page) return false;
    sequence.held.pages.push_back(std::move(page));
    is_new = true;
  }
  if (!is_new) return true;
  std::vector<KvPage> handles;
  for (const PageRef& page : sequence.held.pages) handles.push_back(page->handle());
  backend_.memory().set_pages(sequence.held.state->handle(), handles);
  return true;
}

// ---- sequences that run

// Gives every running sequence room for the tokens that it may write in this step, the oldest sequence first.
void Scheduler::make_room() {
  for (size_t i = 0; i < running_.size();) {
    Sequence& sequence = *running_[i];
    if (grow(sequence, std::ssize(sequence.tokens) + SpeculationMode::kMaxDepth)) {
      ++i;
    } else if (release_recorders()) {
      continue;
    } else if (running_.size() > 1) {
      preempt_youngest();
    } else if (pool_.prefixes().tokens() > 0) {
      pool_.prefixes().clear();  // the cache may hold older pages of the tokens of this sequence
    } else {
      sequence.outcome.error = out_of_memory("memory", std::ssize(sequence.tokens), pool_.budget());
      sequence.outcome.end = AnswerEnd::kFailed;
      finish_ended();
    }
  }
}

// Makes all running sequences release their snapshots. The cache cannot evict a snapshot while a sequence holds it.
// Returns false when no sequence held a snapshot.
bool Scheduler::release_recorders() {
  bool released = false;
  for (const SequencePtr& sequence : running_) {
    released = released || !sequence->held.recorder.snapshots().empty();
    sequence->held.recorder.stop();
  }
  return released;
}

// Puts the youngest sequence back into the queue. It keeps its tokens. When it starts again, it reuses those of its
// pages and snapshots that are still cached.
void Scheduler::preempt_youngest() {
  Sequence& sequence = *running_.back();
  publish_with_head(sequence);
  release(sequence);
  sequence.outcome.usage.preempted += 1;
  stats_.preempted += 1;
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
  is_full_ = true;
}

bool Scheduler::is_published(const Sequence& sequence) const {
  return options_.prefix_cache && sequence.spec.use_prefix_cache && sequence.computed > 0;
}

void Scheduler::publish(Sequence& sequence) {
  if (!is_published(sequence)) return;
  const auto tokens = std::span(sequence.tokens).first(static_cast<size_t>(sequence.computed));
  const auto pages =
      std::span(sequence.held.pages).first(static_cast<size_t>(div_up(sequence.computed, kPagePositions)));
  pool_.prefixes().insert(tokens, pages, sequence.held.recorder.snapshots());
}

// Publishes the sequence together with its draft-head entries, so that a sequence that continues from here can draft
// with the head.
void Scheduler::publish_with_head(Sequence& sequence) {
  if (is_published(sequence)) drafting_.update_head(sequence);
  publish(sequence);
}

void Scheduler::release(Sequence& sequence) {
  if (head_) head_->detach(sequence);
  sequence.held = {};
  sequence.computed = 0;
}

// ---- sequences that end

void Scheduler::finish_ended() {
  const auto has_ended = [](const SequencePtr& sequence) { return sequence->has_ended(); };
  const size_t before = running_.size();
  for (const SequencePtr& sequence : running_) {
    if (has_ended(sequence)) finish(*sequence);
  }
  for (const SequencePtr& sequence : waiting_) {
    if (has_ended(sequence)) finish(*sequence);
  }
  std::erase_if(running_, has_ended);
  std::erase_if(waiting_, has_ended);
  if (running_.size() < before) is_full_ = false;
}

void Scheduler::finish(Sequence& sequence) {
  Outcome& outcome = sequence.outcome;
  if (std::optional<AnswerText>& text = sequence.drawing.text) {
    for (ReplyEvent& piece : text->finish(outcome.end)) events_.push_back({sequence.spec.id, std::move(piece)});
  }
  Usage& usage = outcome.usage;
  double& phase = usage.tokens > 0 ? usage.decode_s : sequence.held.state ? usage.prompt_s : usage.queue_s;
  phase += options_.clock() - outcome.phase_start;
  events_.push_back({sequence.spec.id, EndEvent{.end = outcome.end, .usage = usage, .error = outcome.error}});
  if (sequence.held.state && outcome.end != AnswerEnd::kFailed) publish_with_head(sequence);
  release(sequence);
}

}  // namespace moebius::internal
