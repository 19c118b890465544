// Implements one step of all running sequences: it selects the rows, runs the model, and draws tokens from the logits.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "model/non_finite.h"
#include "schedule/scheduler.h"

namespace moebius::internal {

bool Scheduler::step() {
  drafting_.begin_step();
  const bool has_work = !running_.empty() || !waiting_.empty();
  finish_ended();  // finishes the sequences that were cancelled
  admit();
  record_snapshots();
  make_room();
  if (running_.empty()) return has_work;
  std::vector<Part> parts = plan_parts();
  const Batch batch = stage(parts);
  const Tensor logits = model_.forward(batch);
  draw(parts, batch, logits);
  std::vector<DraftOutcome> outcomes;
  auto draws = draws_.begin();
  for (const Part& part : parts) {
    const DraftOutcome outcome = finish_part(part, part.is_drawn_from ? &*draws++ : nullptr);
    if (part.decodes) outcomes.push_back(outcome);
  }
  update_head(parts);
  drafting_.observe(outcomes);
  stats_.steps += 1;
  stats_.bytes_moved = static_cast<uint64_t>(backend_.probes().traffic().bytes() - bytes_before_);
  for (const Part& part : parts) explain_failure(*part.sequence);
  finish_ended();
  return true;
}

// Makes the snapshots that are due at the current positions of the sequences.
void Scheduler::record_snapshots() {
  for (const SequencePtr& sequence : running_) {
    const auto seen = std::span(sequence->tokens).first(static_cast<size_t>(sequence->computed));
    if (!sequence->held.recorder.record_due(sequence->held.state->handle(), seen)) continue;
    // Published pages are read-only. Before a full page is published, write its draft-head entries too.
    const int64_t head_pages = sequence->drafts.head_position / kPagePositions;
    if (head_pages < sequence->computed / kPagePositions) drafting_.update_head(*sequence);
    publish(*sequence);
  }
}

// Plans the rows of the step: first the decoding sequences, each with its drafts, then pieces of prompts.
std::vector<Scheduler::Part> Scheduler::plan_parts() {
  std::vector<Part> parts;
  std::vector<Sequence*> decoding;
  for (const SequencePtr& sequence : running_) {
    if (!sequence->decodes()) continue;
    decoding.push_back(sequence.get());
    parts.emplace_back(*sequence, 1);
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

// Adds pieces of prompts, in the order in which the sequences started. The room for them is what the decoding sequences
// and their longest possible drafts leave free.
void Scheduler::add_prompts(std::vector<Part>& parts) {
  const int64_t max_rows = model_.options().max_rows;
  const int64_t decoding = std::ssize(parts);
  int64_t left = max_rows - decoding * drafting_.max_rows();
  if (decoding > 0) left = std::min(left, options_.prompt_rows);
  for (const SequencePtr& sequence : running_) {
    if (sequence->decodes() || left <= 0) continue;
    const int64_t to_stop = sequence->held.recorder.next_stop(sequence->computed) - sequence->computed;
    parts.emplace_back(*sequence, std::min({left, sequence->missing(), to_stop}));
    left -= parts.back().rows;
  }
}

// Stages all rows of the step. It also determines which rows need logits, and where the recurrent layers log the rows.
Batch Scheduler::stage(std::vector<Part>& parts) {
  std::vector<int32_t> tokens;
  std::vector<SequenceRows> sequences;
  std::vector<int32_t> logit_rows;
  for (Part& part : parts) {
    Sequence& sequence = *part.sequence;
    const auto own = sequence.tokens.begin() + part.position;
    tokens.insert(tokens.end(), own, own + part.rows);
    tokens.insert(tokens.end(), part.drafts.begin(), part.drafts.end());
    const auto log = sequence.held.recorder.start_logging(part.position, part.all_rows()).value_or(LogPlace{});
    sequences.push_back({.state = sequence.held.state->handle(),
                         .first_row = part.first_row,
                         .rows = part.all_rows(),
                         .position = part.position,
                         .draft = !part.drafts.empty(),
                         .log = log.log,
                         .log_row = log.row});
    if (!part.is_drawn_from) continue;
    part.first_logit = std::ssize(logit_rows);
    for (int64_t row = part.rows - 1; row < part.all_rows(); ++row) {
      logit_rows.push_back(static_cast<int32_t>(part.first_row + row));
    }
  }
  return backend_.operations().stage({.tokens = tokens, .sequences = sequences, .logit_rows = logit_rows});
}

// Draws the tokens of each sequence one after another, as long as the drawn token equals the draft. The later drafts
// are rejected, and their rows are taken back.
void Scheduler::draw(std::span<const Part> parts, Batch batch, Tensor logits) {
  std::vector<SequenceSampling> samplings;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    if (!part.is_drawn_from) continue;
    samplings.push_back({.sequence = static_cast<int64_t>(i),
                         .first_logit = part.first_logit,
                         .rows = 1 + std::ssize(part.drafts),
                         .sampler = &part.sequence->drawing.sampler,
                         .history = &part.sequence->drawing.counts,
                         .drafts = part.drafts,
                         .position = std::ssize(part.sequence->tokens)});
  }
  draws_.resize(samplings.size());
  Operations& ops = backend_.operations();
  if (!samplings.empty()) {
    const Tensor kept = kept_.first(batch.sequences);
    ops.sample(kept, logits, batch, samplings, draws_);
    ops.keep(batch, kept);
  }
  ops.wait();
}

// Updates the sequence of a part after the step: its tokens, its position and its log. `draws` is null when nothing was
// drawn.
DraftOutcome Scheduler::finish_part(const Part& part, const SequenceDraws* draws) {
  Sequence& sequence = *part.sequence;
  const DraftOutcome outcome = draws == nullptr ? DraftOutcome{} : append_draws(part, *draws);
  sequence.computed += part.rows + outcome.accepted;
  sequence.held.recorder.extend_cover(sequence.computed);
  return outcome;
}

DraftOutcome Scheduler::append_draws(const Part& part, const SequenceDraws& draws) {
  Sequence& sequence = *part.sequence;
  DraftOutcome outcome;
  for (const Draw& draw : draws.draws) {
    append(sequence, draw);
    outcome.drawn += 1;
    if (sequence.has_ended()) break;  // draws behind the end are ignored; the state that saw them is released
    if (outcome.accepted < draws.accepted) outcome.accepted += 1;
  }
  if (!draws.is_finite && !sequence.has_ended()) {
    sequence.outcome.end = AnswerEnd::kFailed;
    sequence.outcome.error.emplace(ErrorCode::kNonFinite, options_.name, "logits are not finite");
  }
  Usage& usage = sequence.outcome.usage;
  const int64_t drafted = std::ssize(part.drafts);
  usage.steps += 1;
  usage.drafted += drafted;
  usage.accepted += outcome.accepted;
  stats_.drafted += drafted;
  stats_.accepted += outcome.accepted;
  return outcome;
}

void Scheduler::append(Sequence& sequence, const Draw& draw) {
  sequence.append(draw.token);
  Outcome& outcome = sequence.outcome;
  if (outcome.usage.tokens == 0) {
    const double now = options_.clock();
    outcome.usage.prompt_s = now - std::exchange(outcome.phase_start, now);
  }
  outcome.usage.tokens += 1;
  stats_.tokens += 1;
  events_.push_back({sequence.spec.id, draw});
  if (std::ranges::find(sequence.spec.stop_ids, draw.token) != sequence.spec.stop_ids.end()) {
    outcome.end = AnswerEnd::kStop;
    return;
  }
  append_text(sequence, draw.token);
  const bool is_last = outcome.usage.tokens >= sequence.spec.max_tokens;
  const bool is_full = std::ssize(sequence.tokens) > model_.options().context;
  if (!sequence.has_ended() && (is_last || is_full)) outcome.end = AnswerEnd::kLength;
}

void Scheduler::append_text(Sequence& sequence, int32_t id) {
  std::optional<AnswerText>& text = sequence.drawing.text;
  if (!text) return;
  for (ReplyEvent& piece : text->feed(id)) events_.push_back({sequence.spec.id, std::move(piece)});
  if (text->stopped()) sequence.outcome.end = AnswerEnd::kStop;
}

// Hands the hidden states of the rows that stayed to the draft head. The rows of decoding sequences are copied first,
// because feeding the rows of prompts overwrites the hidden states of the model's step.
void Scheduler::update_head(std::span<const Part> parts) {
  if (!head_) return;
  std::vector<ComputedRows> prompts;
  for (const Part& part : parts) {
    Sequence& sequence = *part.sequence;
    if (!sequence.drafts.hidden.has_memory() || sequence.outcome.end == AnswerEnd::kFailed) continue;
    const ComputedRows rows = {&sequence, part.first_row, sequence.computed - part.position};
    if (part.decodes) {
      head_->keep_hidden(rows);
    } else {
      prompts.push_back(rows);
    }
  }
  if (!prompts.empty()) head_->feed_prompts(prompts);
}

// Extends the error of a sequence whose logits were not finite: it finds the place where the first such value appeared.
// Does nothing for other sequences.
void Scheduler::explain_failure(Sequence& sequence) {
  std::optional<Error>& error = sequence.outcome.error;
  if (!error || error->code() != ErrorCode::kNonFinite) return;
  const auto tokens = std::span(sequence.tokens).first(static_cast<size_t>(sequence.computed));
  const std::string place = find_non_finite(model_, backend_, sequence.held.state->handle(), tokens);
  error.emplace(ErrorCode::kNonFinite, options_.name, "logits are not finite; first seen in " + place,
                "the weights of that layer are broken or overflow: compare the file with its source");
}

}  // namespace moebius::internal
