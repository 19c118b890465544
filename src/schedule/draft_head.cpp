// See draft_head.h.
#include "schedule/draft_head.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "schedule/non_finite.h"

namespace moebius {

void check_has_head(const SpeculationMode& mode, const Model& model) {
  if (!mode.mtp || mode.ngram || !model.options().mtp.empty()) return;
  throw Error(ErrorCode::kUsage, "--speculate mtp", "no draft head is loaded",
              "take a checkpoint that has one (tensors mtp.*) and load it with that, or use auto or ngram");
}

DraftHead::DraftHead(Model& model, Backend& backend)
    : model_(model),
      backend_(backend),
      batch_(backend.allocate(DType::kF32, model.options().max_rows, model.config().dim)),
      logits_(static_cast<size_t>(model.config().vocab)) {}

DraftHead::~DraftHead() {
  backend_.free_tensor(batch_);
  for (const Tensor& hidden : spare_) backend_.free_tensor(hidden);
}

void DraftHead::open(Stream& stream) {
  if (spare_.empty()) spare_.push_back(backend_.allocate(DType::kF32, kMostPending, model_.config().dim));
  stream.hidden = spare_.back();
  spare_.pop_back();
  stream.head_position = stream.computed;
}

void DraftHead::close(Stream& stream) {
  if (stream.hidden.data != nullptr) spare_.push_back(stream.hidden);
  stream.hidden = {};
}

void DraftHead::keep_hidden(int64_t first_row, int64_t rows, Stream& stream) {
  const int64_t waiting = pending(stream) - rows;
  MOEBIUS_CHECK(waiting >= 0 && waiting + rows <= kMostPending);
  const Tensor all = model_.last_hidden(first_row + rows);
  backend_.copy(stream.hidden.slice(waiting, rows), all.slice(first_row, rows));
}

void DraftHead::take(int64_t batch_rows) { backend_.copy(batch_.first(batch_rows), model_.last_hidden(batch_rows)); }

// The last pair of a whole prompt waits: the first draft goes on from it.
void DraftHead::take_in(int64_t first_row, int64_t rows, Stream& stream) {
  MOEBIUS_CHECK(pending(stream) == rows);
  const int64_t waits = stream.decodes() ? 1 : 0;
  if (rows > waits) run(stream, batch_.slice(first_row, rows - waits), stream.head_position);
  stream.head_position += rows - waits;
  if (waits > 0) backend_.copy(stream.hidden.first(1), batch_.slice(first_row + rows - 1, 1));
}

// The last pair then waits again: a draft goes on from it, and writes the same once more. Only where its page is full
// others may see that page as soon as it is cached, and there is no draft for one step.
void DraftHead::catch_up(Stream& stream) {
  const int64_t rows = pending(stream);
  if (rows == 0) return;
  run(stream, stream.hidden.first(rows), stream.head_position);
  keep_last_pair(stream);
}

void DraftHead::give_up(Stream& stream) {
  if (pending(stream) > 0) keep_last_pair(stream);
}

void DraftHead::keep_last_pair(Stream& stream) {
  const int64_t rows = pending(stream);
  stream.head_position = stream.computed;
  if (stream.computed % kPagePositions == 0) return;
  stream.head_position -= 1;
  if (rows > 1) backend_.copy(stream.hidden.first(1), stream.hidden.slice(rows - 1, 1));
}

// In steps that the model can take: more pairs may wait than it has rows.
void DraftHead::run(const Stream& stream, Tensor hidden, int64_t position) {
  for (int64_t done = 0; done < hidden.rows; done += batch_.rows) {
    const int64_t rows = std::min(batch_.rows, hidden.rows - done);
    const SequenceRows sequence = {
        .state = stream.state->handle(), .first_row = 0, .rows = rows, .position = position + done};
    const auto tokens = std::span(stream.tokens).subspan(sequence.position + 1, rows);
    model_.forward_mtp(
        {.hidden = hidden.slice(done, rows), .tokens = tokens, .sequences = {&sequence, 1}, .logit_rows = {}});
  }
}

void DraftHead::draft(std::span<HeadJob> jobs) {
  std::vector<HeadJob*> active;
  int64_t rows = 0;
  for (HeadJob& job : jobs) {
    if (job.depth == 0 || pending(*job.stream) == 0) continue;
    rows += pending(*job.stream);
    if (rows > batch_.rows) break;  // the others do without
    active.push_back(&job);
  }
  for (int64_t step = 0; !active.empty(); ++step) {
    step == 0 ? first_drafts(active) : next_drafts(active, step);
    std::erase_if(active, [](const HeadJob* job) { return std::ssize(job->drafts) == job->depth; });
  }
  for (HeadJob& job : jobs) {
    for (const int32_t id : job.drafts) job.stream->counts.remove(id);
  }
}

// All pairs that wait; the last one of each stream gives its first draft, and its hidden state stays in batch_.
void DraftHead::first_drafts(std::span<HeadJob*> jobs) {
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> tokens;
  std::vector<int32_t> last_rows;
  for (const HeadJob* job : jobs) {
    Stream& stream = *job->stream;
    const int64_t rows = pending(stream);
    const auto first = static_cast<int64_t>(tokens.size());
    backend_.copy(batch_.slice(first, rows), stream.hidden.first(rows));
    sequences.push_back(
        {.state = stream.state->handle(), .first_row = first, .rows = rows, .position = stream.head_position});
    const auto next = stream.tokens.begin() + stream.head_position + 1;
    tokens.insert(tokens.end(), next, next + rows);
    last_rows.push_back(static_cast<int32_t>(tokens.size()) - 1);
    stream.head_position += rows;
  }
  const auto rows = static_cast<int64_t>(tokens.size());
  const Tensor logits = model_.forward_mtp(
      {.hidden = batch_.first(rows), .tokens = tokens, .sequences = sequences, .logit_rows = last_rows});
  const Tensor hidden = model_.last_hidden(rows);
  for (size_t i = 0; i < jobs.size(); ++i) {
    backend_.copy(jobs[i]->stream->hidden.first(1), hidden.slice(last_rows[i], 1));
  }
  draw(jobs, logits);
}

// Behind a draft: its pair has the head's own hidden state. It is written over when the truth is taken in.
void DraftHead::next_drafts(std::span<HeadJob*> jobs, int64_t step) {
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> tokens;
  for (const HeadJob* job : jobs) {
    const auto row = static_cast<int64_t>(tokens.size());
    backend_.copy(batch_.slice(row, 1), job->stream->hidden.first(1));
    sequences.push_back({.state = job->stream->state->handle(),
                         .first_row = row,
                         .rows = 1,
                         .position = job->stream->computed + step - 1});
    tokens.push_back(job->drafts.back());
  }
  const auto rows = static_cast<int64_t>(tokens.size());
  std::vector<int32_t> all_rows(tokens.size());
  std::iota(all_rows.begin(), all_rows.end(), 0);
  const Tensor logits = model_.forward_mtp(
      {.hidden = batch_.first(rows), .tokens = tokens, .sequences = sequences, .logit_rows = all_rows});
  const Tensor hidden = model_.last_hidden(rows);
  for (int64_t i = 0; i < rows; ++i) {
    backend_.copy(jobs[static_cast<size_t>(i)]->stream->hidden.first(1), hidden.slice(i, 1));
  }
  draw(jobs, logits);
}

void DraftHead::draw(std::span<HeadJob*> jobs, Tensor logits) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    HeadJob& job = *jobs[i];
    Stream& stream = *job.stream;
    backend_.read(logits_.data(), logits.slice(static_cast<int64_t>(i), 1));
    if (!all_finite(logits_)) {  // not the stream's fault: it has enough drafts
      job.depth = std::ssize(job.drafts);
      continue;
    }
    const auto position = std::ssize(stream.tokens) + std::ssize(job.drafts);
    const int32_t id = stream.sampler.draw(logits_, stream.counts, position).token;
    job.drafts.push_back(id);
    stream.counts.add(id);
  }
}

}  // namespace moebius
