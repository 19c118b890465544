// Implements the draft head of draft_head.h.
#include "schedule/draft_head.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "moebius/limits.h"

namespace moebius::internal {

void check_has_head(const SpeculationMode& mode, const Model& model) {
  if (!mode.mtp || mode.ngram || !model.options().mtp.empty()) return;
  throw Error(ErrorCode::kUsage, "--speculate mtp", "no draft head is loaded",
              "take a checkpoint that has one (tensors mtp.*) and load it with that, or use auto or ngram");
}

DraftHead::DraftHead(Model& model, Backend& backend)
    : model_(model),
      memory_(backend.memory()),
      ops_(backend.operations()),
      kept_(memory_.allocate(DType::kI32, kMaxLogitRows, 1)) {}

DraftHead::~DraftHead() {
  memory_.free(kept_);
  for (const Tensor& hidden : spare_) memory_.free(hidden);
}

void DraftHead::attach(Sequence& sequence) {
  if (spare_.empty()) spare_.push_back(memory_.allocate(DType::kF32, kMaxPending, model_.config().dim));
  sequence.drafts.hidden = spare_.back();
  spare_.pop_back();
  sequence.drafts.head_position = sequence.computed;
}

void DraftHead::detach(Sequence& sequence) {
  if (sequence.drafts.hidden.has_memory()) spare_.push_back(sequence.drafts.hidden);
  sequence.drafts.hidden = {};
}

// ---- feeding the head

void DraftHead::keep_hidden(const ComputedRows& rows) {
  const int64_t waiting = pending(*rows.sequence) - rows.rows;
  MOEBIUS_CHECK(waiting >= 0 && waiting + rows.rows <= kMaxPending);
  const Tensor all = model_.last_hidden(rows.first_row + rows.rows);
  memory_.copy(rows.sequence->drafts.hidden.slice(waiting, rows.rows), all.slice(rows.first_row, rows.rows));
}

Batch DraftHead::stage(std::span<const SequenceRows> sequences, std::span<const int32_t> tokens,
                       std::span<const int32_t> logit_rows) {
  return ops_.stage({.tokens = tokens, .sequences = sequences, .logit_rows = logit_rows});
}

void DraftHead::feed_prompts(std::span<const ComputedRows> prompts) {
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> tokens;
  std::vector<Tensor> hidden;
  for (const ComputedRows& prompt : prompts) {
    Sequence& sequence = *prompt.sequence;
    int64_t& position = sequence.drafts.head_position;
    MOEBIUS_CHECK(pending(sequence) == prompt.rows);
    const int64_t waits = sequence.decodes() ? 1 : 0;
    const int64_t rows = prompt.rows - waits;
    const Tensor all = model_.last_hidden(prompt.first_row + prompt.rows);
    if (waits > 0) memory_.copy(sequence.drafts.hidden.first(1), all.slice(prompt.first_row + rows, 1));
    if (rows == 0) continue;
    sequences.push_back(
        {.state = sequence.held.state->handle(), .first_row = std::ssize(tokens), .rows = rows, .position = position});
    hidden.push_back(all.slice(prompt.first_row, rows));
    const auto next = sequence.tokens.begin() + position + 1;
    tokens.insert(tokens.end(), next, next + rows);
    position += rows;
  }
  if (tokens.empty()) return;
  model_.forward_mtp(stage(sequences, tokens, {}), hidden);
  ops_.wait();  // the time of this work belongs to the current step
}

// Feeds all pending pairs. The last pair then becomes pending again: the next draft continues from it, and writes the
// same keys and values once more. The exception is a last pair that fills its page. Other sequences may see a full page
// as soon as it is cached, so the pair must not be written again, and the sequence has no draft for one step.
void DraftHead::feed_pending(Sequence& sequence) {
  const int64_t rows = pending(sequence);
  const int64_t max_rows = model_.options().max_rows;  // there may be more pending pairs than a step has rows
  for (int64_t done = 0; done < rows; done += max_rows) {
    const SequenceRows part = {.state = sequence.held.state->handle(),
                               .rows = std::min(max_rows, rows - done),
                               .position = sequence.drafts.head_position + done};
    const auto tokens =
        std::span(sequence.tokens).subspan(static_cast<size_t>(part.position + 1), static_cast<size_t>(part.rows));
    const Tensor hidden = sequence.drafts.hidden.slice(done, part.rows);
    model_.forward_mtp(stage({&part, 1}, tokens, {}), {&hidden, 1});
  }
  if (rows > 0) keep_last_pair(sequence);
  ops_.wait();  // the caller measures what this takes
}

void DraftHead::drop_pending(Sequence& sequence) {
  if (pending(sequence) > 0) keep_last_pair(sequence);
}

void DraftHead::keep_last_pair(Sequence& sequence) {
  const int64_t rows = pending(sequence);
  DraftSources& drafts = sequence.drafts;
  drafts.head_position = sequence.computed;
  if (sequence.computed % kPagePositions == 0) return;
  drafts.head_position -= 1;
  if (rows > 1) memory_.copy(drafts.hidden.first(1), drafts.hidden.slice(rows - 1, 1));
}

// ---- drafts

void DraftHead::draft(std::span<HeadJob> jobs) {
  std::vector<HeadJob*> active;
  int64_t rows = 0;
  for (HeadJob& job : jobs) {
    if (job.depth == 0 || pending(*job.sequence) == 0) continue;
    rows += pending(*job.sequence);
    if (rows > model_.options().max_rows) break;  // this job and the later ones get no drafts
    active.push_back(&job);
  }
  for (int64_t step = 0; !active.empty(); ++step) {
    step == 0 ? draft_first(active) : draft_next(active, step);
    std::erase_if(active, [](const HeadJob* job) { return std::ssize(job->drafts) == job->depth; });
  }
}

// Feeds all pending pairs of each sequence. The last pair gives the first draft of the sequence.
void DraftHead::draft_first(std::span<HeadJob*> jobs) {
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> tokens;
  std::vector<int32_t> last_rows;
  std::vector<Tensor> hidden;
  for (const HeadJob* job : jobs) {
    Sequence& sequence = *job->sequence;
    int64_t& position = sequence.drafts.head_position;
    const int64_t rows = pending(sequence);
    sequences.push_back(
        {.state = sequence.held.state->handle(), .first_row = std::ssize(tokens), .rows = rows, .position = position});
    hidden.push_back(sequence.drafts.hidden.first(rows));
    const auto next = sequence.tokens.begin() + position + 1;
    tokens.insert(tokens.end(), next, next + rows);
    last_rows.push_back(static_cast<int32_t>(tokens.size()) - 1);
    position += rows;
  }
  const Batch batch = stage(sequences, tokens, last_rows);
  draw(jobs, batch, model_.forward_mtp(batch, hidden), last_rows);
}

// Makes the draft behind each latest draft. The pair of a draft has the head's own hidden state. The entries of this
// pair are overwritten when the model's own pair is fed.
void DraftHead::draft_next(std::span<HeadJob*> jobs, int64_t step) {
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> tokens;
  std::vector<Tensor> hidden;
  for (const HeadJob* job : jobs) {
    sequences.push_back({.state = job->sequence->held.state->handle(),
                         .first_row = std::ssize(tokens),
                         .rows = 1,
                         .position = job->sequence->computed + step - 1});
    hidden.push_back(job->sequence->drafts.hidden.first(1));
    tokens.push_back(job->drafts.back());
  }
  std::vector<int32_t> all_rows(tokens.size());
  std::iota(all_rows.begin(), all_rows.end(), 0);
  const Batch batch = stage(sequences, tokens, all_rows);
  draw(jobs, batch, model_.forward_mtp(batch, hidden), all_rows);
}

// Draws the next draft of each job from the logits of its last row. The hidden state of that row is kept for the draft
// after it.
void DraftHead::draw(std::span<HeadJob*> jobs, Batch batch, Tensor logits, std::span<const int32_t> last_rows) {
  std::vector<SequenceSampling> samplings;
  const Tensor hidden = model_.last_hidden(batch.rows);
  for (size_t i = 0; i < jobs.size(); ++i) {
    Sequence& sequence = *jobs[i]->sequence;
    memory_.copy(sequence.drafts.hidden.first(1), hidden.slice(last_rows[i], 1));
    samplings.push_back({.sequence = static_cast<int64_t>(i),
                         .first_logit = static_cast<int64_t>(i),
                         .sampler = &sequence.drawing.sampler,
                         .history = &sequence.drawing.counts,
                         .drafts = jobs[i]->drafts,
                         .position = std::ssize(sequence.tokens) + std::ssize(jobs[i]->drafts)});
  }
  draws_.resize(jobs.size());
  ops_.sample(kept_.first(batch.sequences), logits, batch, samplings, draws_);
  ops_.wait();
  for (size_t i = 0; i < jobs.size(); ++i) {
    HeadJob& job = *jobs[i];
    if (draws_[i].is_finite) {
      job.drafts.push_back(draws_[i].draws[0].token);
    } else {
      job.depth = std::ssize(job.drafts);  // the sequence must not fail because of the head, so its drafts end here
    }
  }
}

}  // namespace moebius::internal
