// Who runs, who waits, and what they hold. See scheduler.h; a step itself is in scheduler_step.cpp.
#include "schedule/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/checked.h"
#include "schedule/non_finite.h"

namespace moebius {
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

// All streams may draft as much in one step; one without drafts has one row.
int64_t most_rows_of_a_stream(const Model& model, const SchedulerOptions& options) {
  return std::clamp<int64_t>(model.options().draft_rows, 1, model.options().max_rows / options.max_streams);
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
      pool_(model, backend, options.memory_bytes),
      head_(model.options().mtp.empty() || model.options().draft_rows == 0
                ? nullptr
                : std::make_unique<DraftHead>(model, backend)),
      drafting_(head_.get(), most_rows_of_a_stream(model, options), model.options().context, options.clock),
      logits_(static_cast<size_t>(model.config().vocab)) {
  MOEBIUS_CHECK(options.max_streams >= 1 && options.max_streams <= std::min(kMaxLogitRows, model.options().max_rows));
}

Scheduler::~Scheduler() {
  for (const StreamPtr& stream : running_) release(*stream);
}

void Scheduler::check_fits(int64_t tokens) const {
  if (pool_.bytes_for(tokens) > pool_.budget().limit()) throw out_of_memory("prompt", tokens, pool_.budget());
}

void Scheduler::add(StreamSpec spec) {
  waiting_.push_back(std::make_unique<Stream>(std::move(spec)));
  waiting_.back()->since = options_.clock();
}

void Scheduler::cancel(RequestId id) {
  Stream* stream = find(id);
  if (stream != nullptr && !stream->has_ended()) stream->end = AnswerEnd::kCancelled;
}

Stream* Scheduler::find(RequestId id) {
  const auto has_id = [id](const StreamPtr& stream) { return stream->spec.id == id; };
  if (const auto found = std::ranges::find_if(running_, has_id); found != running_.end()) return found->get();
  const auto found = std::ranges::find_if(waiting_, has_id);
  return found == waiting_.end() ? nullptr : found->get();
}

Event Scheduler::event_of(const Stream& stream, Event::Kind kind) const {
  Event event;
  event.request = stream.spec.id;
  event.kind = kind;
  event.usage = stream.usage;
  return event;
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

// ---- coming

void Scheduler::admit() {
  if (running_.empty()) is_full_ = false;
  while (!waiting_.empty() && !is_full_ && std::ssize(running_) < options_.max_streams) {
    Stream& stream = *waiting_.front();
    if (!start(stream)) {
      release(stream);
      is_full_ = true;
      if (!running_.empty()) return;
      stream.error = out_of_memory("prompt", std::ssize(stream.tokens), pool_.budget());
      stream.end = AnswerEnd::kFailed;
      finish_ended();
      is_full_ = false;
      continue;
    }
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// Takes what the stream needs to run: false when there is not enough memory.
bool Scheduler::start(Stream& stream) {
  const StreamSpec& spec = stream.spec;
  if (Stream* parent = spec.parent == 0 ? nullptr : find(spec.parent); parent != nullptr && parent->state) {
    hand_over(*parent);
  }
  PrefixCache::Match match;
  const bool use_cache = options_.prefix_cache && spec.use_prefix_cache;
  std::string reason = "the prefix cache is off";
  if (use_cache) {
    match = pool_.prefixes().find(stream.tokens, std::ssize(stream.tokens) - 1);
    reason = why(match.reason, match.known, match.tokens);
  }
  if (!take_memory(stream, match)) {
    // What is cached of it may be what is in its way: a hit is held beside the copies that are made of it.
    release(stream);
    match = {};
    reason = "there was no memory for it beside what is cached of it";
    if (!take_memory(stream, match)) return false;
  }
  take_up(stream, match);
  if (use_cache) stream.recorder = Recorder(pool_, stream.computed, std::ssize(stream.tokens), spec.boundaries);
  if (stream.usage.preempted > 0) return true;
  stream.usage.reused_tokens = match.tokens;
  stream.usage.prefix_miss_reason = std::move(reason);
  const double now = options_.clock();
  stream.usage.queue_s = now - std::exchange(stream.since, now);
  stats_.prompt_tokens += stream.usage.prompt_tokens;
  stats_.reused_tokens += match.tokens;
  events_.push_back(event_of(stream, Event::Kind::kPrompt));
  return true;
}

// A state, the pages of the hit, and new ones up to the first drawn token. What the hit leaves free in its last page
// would be written to, so that page is copied.
bool Scheduler::take_memory(Stream& stream, const PrefixCache::Match& match) {
  stream.state = pool_.state();
  if (!stream.state) return false;
  stream.pages = match.pages;
  if (match.tokens % kPagePositions != 0) {
    PageRef own = pool_.copy_of(*stream.pages.back());
    if (!own) return false;
    stream.pages.back() = std::move(own);
  }
  return grow(stream, std::ssize(stream.tokens) + 1);
}

void Scheduler::take_up(Stream& stream, const PrefixCache::Match& match) {
  stream.computed = match.tokens;
  if (match.snapshot) match.snapshot->restore(stream.state->handle(), match.tokens);
  if (head_ && stream.spec.speculation.mtp) head_->open(stream);
}

// Pages for so many tokens, as far as it will ever have them: the last one of an answer is only drawn.
bool Scheduler::grow(Stream& stream, int64_t tokens) {
  const int64_t most = std::ssize(stream.spec.prompt) + stream.spec.max_tokens - 1;
  const int64_t wanted = div_up(std::min({tokens, most, model_.options().context}), kPagePositions);
  bool is_new = stream.computed == 0;
  while (std::ssize(stream.pages) < wanted) {
    PageRef page = pool_.page();
    if (!page) return false;
    stream.pages.push_back(std::move(page));
    is_new = true;
  }
  if (!is_new) return true;
  std::vector<KvPage> handles;
  for (const PageRef& page : stream.pages) handles.push_back(page->handle());
  backend_.set_pages(stream.state->handle(), handles);
  return true;
}

// ---- staying

// Every running stream gets room for what it may write in this step, the oldest first.
void Scheduler::make_room() {
  for (size_t i = 0; i < running_.size();) {
    Stream& stream = *running_[i];
    if (grow(stream, std::ssize(stream.tokens) + SpeculationMode::kMaxDepth)) {
      ++i;
    } else if (release_recorders()) {
      continue;
    } else if (running_.size() > 1) {
      preempt_youngest();
    } else if (pool_.prefixes().tokens() > 0) {
      pool_.prefixes().clear();  // what is cached of the stream itself holds on to older pages of the same tokens
    } else {
      stream.error = out_of_memory("memory", std::ssize(stream.tokens), pool_.budget());
      stream.end = AnswerEnd::kFailed;
      finish_ended();
    }
  }
}

// Snapshots that running streams hold cannot be dropped for others: they let go. False when none held any.
bool Scheduler::release_recorders() {
  bool released = false;
  for (const StreamPtr& stream : running_) {
    released = released || !stream->recorder.snapshots().empty();
    stream->recorder.stop();
  }
  return released;
}

// It keeps its tokens, and what is still cached of it when it is taken up again.
void Scheduler::preempt_youngest() {
  Stream& stream = *running_.back();
  hand_over(stream);
  release(stream);
  stream.usage.preempted += 1;
  stats_.preempted += 1;
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
  is_full_ = true;
}

bool Scheduler::is_published(const Stream& stream) const {
  return options_.prefix_cache && stream.spec.use_prefix_cache && stream.computed > 0;
}

void Scheduler::publish(Stream& stream) {
  if (!is_published(stream)) return;
  const auto tokens = std::span(stream.tokens).first(static_cast<size_t>(stream.computed));
  const auto pages = std::span(stream.pages).first(static_cast<size_t>(div_up(stream.computed, kPagePositions)));
  pool_.prefixes().insert(tokens, pages, stream.recorder.snapshots());
}

// For whoever goes on from here, with what the draft head has to know of it.
void Scheduler::hand_over(Stream& stream) {
  if (is_published(stream)) drafting_.keep_up(stream);
  publish(stream);
}

void Scheduler::release(Stream& stream) {
  if (head_) head_->close(stream);
  stream.recorder.stop();
  stream.pages.clear();
  stream.state.reset();
  stream.computed = 0;
}

// ---- going

void Scheduler::finish_ended() {
  const auto has_ended = [](const StreamPtr& stream) { return stream->has_ended(); };
  const size_t before = running_.size();
  for (const StreamPtr& stream : running_) {
    if (has_ended(stream)) finish(*stream);
  }
  for (const StreamPtr& stream : waiting_) {
    if (has_ended(stream)) finish(*stream);
  }
  std::erase_if(running_, has_ended);
  std::erase_if(waiting_, has_ended);
  if (running_.size() < before) is_full_ = false;
}

void Scheduler::finish(Stream& stream) {
  if (stream.text) {
    for (ReplyEvent& piece : stream.text->finish()) {
      Event event = event_of(stream, Event::Kind::kPiece);
      event.piece = std::move(piece);
      events_.push_back(std::move(event));
    }
  }
  const double now = options_.clock();
  (stream.usage.tokens > 0 ? stream.usage.decode_s
   : stream.state          ? stream.usage.prompt_s
                           : stream.usage.queue_s) += now - stream.since;
  Event event = event_of(stream, Event::Kind::kEnd);
  event.end = stream.end;
  event.error = stream.error;
  events_.push_back(std::move(event));
  if (stream.state && stream.end != AnswerEnd::kFailed) hand_over(stream);
  release(stream);
}

}  // namespace moebius
