// One step of all running streams: whose rows, the model, what is drawn from its logits. See scheduler.h.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "schedule/non_finite.h"
#include "schedule/scheduler.h"

namespace moebius {

bool Scheduler::step() {
  drafting_.begin();
  const bool has_work = !running_.empty() || !waiting_.empty();
  finish_ended();  // those that were cancelled
  admit();
  record();
  make_room();
  if (running_.empty()) return has_work;
  std::vector<Part> parts = plan_parts();
  const Tensor logits = run(parts);
  std::vector<DraftOutcome> outcomes;
  for (const Part& part : parts) {
    const DraftOutcome outcome = part.is_drawn_from ? verify(part, logits) : DraftOutcome{};
    if (part.decodes) outcomes.push_back(outcome);
  }
  keep_hidden(parts);
  drafting_.observe(outcomes);
  stats_.steps += 1;
  stats_.bytes_moved += static_cast<uint64_t>(backend_.take_traffic().bytes());
  for (const Part& part : parts) explain_failure(*part.stream);
  finish_ended();
  return true;
}

// Snapshots that are due where the streams stand.
void Scheduler::record() {
  for (const StreamPtr& stream : running_) {
    const auto seen = std::span(stream->tokens).first(static_cast<size_t>(stream->computed));
    if (!stream->recorder.record(stream->state->handle(), seen)) continue;
    // What others may see is not written to any more: of a page that is full, the draft head's part neither.
    if (stream->head_position / kPagePositions < stream->computed / kPagePositions) drafting_.keep_up(*stream);
    publish(*stream);
  }
}

// Those that decode, each with its drafts, then pieces of prompts.
std::vector<Scheduler::Part> Scheduler::plan_parts() {
  std::vector<Part> parts;
  std::vector<Stream*> decoding;
  for (const StreamPtr& stream : running_) {
    if (!stream->decodes()) continue;
    decoding.push_back(stream.get());
    parts.emplace_back(*stream, 1);
  }
  add_prompts(parts);
  PromptRows prompts;
  for (const Part& part : parts) {
    if (part.decodes) continue;
    prompts.rows += part.rows;
    prompts.drawn_from += part.is_drawn_from ? 1 : 0;
  }
  const auto drafts = drafting_.plan(decoding, prompts);
  for (size_t i = 0; i < decoding.size(); ++i) parts[i].drafts = drafts[i];
  int64_t row = 0;
  for (Part& part : parts) {
    part.first_row = row;
    row += part.all_rows();
  }
  return parts;
}

// In the order in which they came, as far as there is room beside the drafts of the others.
void Scheduler::add_prompts(std::vector<Part>& parts) {
  const int64_t max_rows = model_.options().max_rows;
  const int64_t decoding = std::ssize(parts);
  int64_t left = max_rows - decoding * drafting_.most_rows();
  if (decoding > 0) left = std::min(left, options_.prompt_rows);
  for (const StreamPtr& stream : running_) {
    if (stream->decodes() || left <= 0) continue;
    const int64_t to_stop = stream->recorder.next_stop(stream->computed) - stream->computed;
    parts.emplace_back(*stream, std::min({left, stream->missing(), to_stop}));
    left -= parts.back().rows;
  }
}

// Logits of the rows that want them.
Tensor Scheduler::run(std::vector<Part>& parts) {
  std::vector<int32_t> tokens;
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> logit_rows;
  std::vector<LoggedRows> logged;
  for (Part& part : parts) {
    Stream& stream = *part.stream;
    const auto own = stream.tokens.begin() + part.position;
    tokens.insert(tokens.end(), own, own + part.rows);
    tokens.insert(tokens.end(), part.drafts.begin(), part.drafts.end());
    sequences.push_back({.state = stream.state->handle(),
                         .first_row = part.first_row,
                         .rows = part.all_rows(),
                         .position = part.position,
                         .draft = !part.drafts.empty()});
    if (const auto rows = stream.recorder.log(part.position, part.first_row, part.all_rows())) logged.push_back(*rows);
    if (!part.is_drawn_from) continue;
    part.first_logit = std::ssize(logit_rows);
    for (int64_t row = part.rows - 1; row < part.all_rows(); ++row) {
      logit_rows.push_back(static_cast<int32_t>(part.first_row + row));
    }
  }
  const Tensor logits =
      model_.forward({.tokens = tokens, .sequences = sequences, .logit_rows = logit_rows, .logged = logged});
  for (Part& part : parts) {
    if (part.is_drawn_from) continue;
    part.stream->computed += part.rows;
    part.stream->recorder.cover(part.stream->computed);
  }
  return logits;
}

// Draws token after token, as long as each is the one that was drafted.
DraftOutcome Scheduler::verify(const Part& part, Tensor logits) {
  Stream& stream = *part.stream;
  const int64_t drafted = std::ssize(part.drafts);
  DraftOutcome outcome;
  for (int64_t row = part.first_logit; !stream.has_ended(); ++row) {
    backend_.read(logits_.data(), logits.slice(row, 1));
    if (!all_finite(logits_)) {
      stream.end = AnswerEnd::kFailed;
      stream.error.emplace(ErrorCode::kNonFinite, options_.name, "logits are not finite");
      break;
    }
    take_token(stream, stream.sampler.draw(logits_, stream.counts, std::ssize(stream.tokens)));
    outcome.drawn += 1;
    if (outcome.accepted == drafted || stream.tokens.back() != part.drafts[static_cast<size_t>(outcome.accepted)]) {
      break;
    }
    if (!stream.has_ended()) outcome.accepted += 1;
  }
  stream.computed += part.rows + outcome.accepted;
  if (drafted > 0) backend_.keep_rows(stream.state->handle(), part.rows + outcome.accepted);
  stream.recorder.cover(stream.computed);
  stream.usage.steps += 1;
  stream.usage.drafted += drafted;
  stream.usage.accepted += outcome.accepted;
  stats_.drafted += drafted;
  stats_.accepted += outcome.accepted;
  return outcome;
}

void Scheduler::take_token(Stream& stream, Draw drawn) {
  const int32_t id = drawn.token;
  const bool is_stop = std::ranges::find(stream.spec.stop_ids, id) != stream.spec.stop_ids.end();
  stream.tokens.push_back(id);
  stream.append_to_history(id, false);
  if (stream.usage.tokens == 0) {
    const double now = options_.clock();
    stream.usage.prompt_s = now - std::exchange(stream.since, now);
  }
  stream.usage.tokens += 1;
  stats_.tokens += 1;
  Event event = event_of(stream, Event::Kind::kToken);
  event.token = std::move(drawn);
  events_.push_back(std::move(event));
  if (is_stop) {
    stream.end = AnswerEnd::kStop;
    return;
  }
  if (stream.text) {
    for (ReplyEvent& piece : stream.text->feed(id)) {
      Event said = event_of(stream, Event::Kind::kPiece);
      said.piece = std::move(piece);
      events_.push_back(std::move(said));
    }
    if (stream.text->stopped()) stream.end = AnswerEnd::kStop;
  }
  const bool is_last = stream.usage.tokens >= stream.spec.max_tokens;
  const bool is_full = std::ssize(stream.tokens) > model_.options().context;
  if (!stream.has_ended() && (is_last || is_full)) stream.end = AnswerEnd::kLength;
}

// Hidden states of the rows that stayed, for the draft head. Those of prompts it takes in at once; that ends what the
// model left of the step, so the others come first.
void Scheduler::keep_hidden(std::span<const Part> parts) {
  if (!head_) return;
  std::vector<const Part*> prompts;
  for (const Part& part : parts) {
    if (part.stream->hidden.data == nullptr || part.stream->end == AnswerEnd::kFailed) continue;
    if (part.decodes) {
      head_->keep_hidden(part.first_row, part.stream->computed - part.position, *part.stream);
    } else {
      prompts.push_back(&part);
    }
  }
  if (prompts.empty()) return;
  head_->take(parts.back().first_row + parts.back().all_rows());
  for (const Part* part : prompts) head_->take_in(part->first_row, part->rows, *part->stream);
}

// Where a stream with logits that are no numbers first had some: nothing for others.
void Scheduler::explain_failure(Stream& stream) {
  if (!stream.error || stream.error->code() != ErrorCode::kNonFinite) return;
  const auto tokens = std::span(stream.tokens).first(static_cast<size_t>(stream.computed));
  const std::string place = find_non_finite(model_, backend_, stream.state->handle(), tokens);
  stream.error.emplace(ErrorCode::kNonFinite, options_.name, "logits are not finite; first seen in " + place,
                       "the weights of that layer are broken or overflow: compare the file with its source");
}

}  // namespace moebius
