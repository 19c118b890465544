// See stepper.h.
#include "model/stepper.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/finite.h"
#include "model/non_finite.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

std::vector<int32_t> numbers(int64_t first, int64_t count) {
  std::vector<int32_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), static_cast<int32_t>(first));
  return all;
}

SamplingOptions greedy() {
  SamplingOptions options;
  options.temperature = 0;
  return options;
}

}  // namespace

Stepper::Stepper(Model& model, Backend& backend, std::string name)
    : model_(model),
      backend_(backend),
      name_(std::move(name)),
      state_(backend.memory().create_state(model.state_spec())),
      kept_(backend.memory().allocate(DType::kI32, 1, 1)),
      sampler_(greedy(), static_cast<int32_t>(model.config().vocab)) {}

Stepper::~Stepper() {
  backend_.memory().free(kept_);
  backend_.memory().free_state(state_);
}

void Stepper::check(std::span<const int32_t> tokens) const {
  if (drafted_ > 0) throw Error(ErrorCode::kUsage, "tokens", "a draft is pending", "call keep() first");
  if (tokens.empty()) throw Error(ErrorCode::kUsage, "tokens", "expected at least one");
  const int64_t vocab = model_.config().vocab;
  for (const int32_t id : tokens) {
    if (id >= 0 && id < vocab) continue;
    throw Error(ErrorCode::kUsage, "tokens", fmt::format("expected ids from 0 to {}, got {}", vocab - 1, id));
  }
  const int64_t context = model_.options().context;
  const auto length = static_cast<int64_t>(tokens_.size() + tokens.size());
  if (length > context) {
    throw Error(ErrorCode::kUsage, "tokens", fmt::format("{} tokens exceed the context of {}", length, context),
                "load with a larger context");
  }
}

// ---- steps

void Stepper::run(const Step& step, const LayerObserver& observer) {
  const auto rows = std::ssize(step.tokens);
  const SequenceRows sequence = {.state = state_, .rows = rows, .position = position(), .draft = step.is_draft};
  batch_ = backend_.operations().stage(
      {.tokens = step.tokens, .sequences = {&sequence, 1}, .logit_rows = numbers(step.rows.first, step.rows.count)});
  logits_ = model_.forward(batch_, observer);
  first_position_ = position();
  tokens_.insert(tokens_.end(), step.tokens.begin(), step.tokens.end());
  drafted_ = step.is_draft ? rows : 0;
}

// Reads the logits of the last step. Throws kNonFinite when they are not finite.
void Stepper::read_finite(std::span<float> out) {
  backend_.memory().read(out.data(), logits_);
  if (all_finite(out)) return;
  const std::vector<int32_t> tokens = std::exchange(tokens_, {});
  drafted_ = 0;
  const std::string place = find_non_finite(model_, backend_, state_, tokens);
  backend_.memory().reset_state(state_);
  throw Error(ErrorCode::kNonFinite, name_, "logits are not finite; first seen in " + place,
              "the weights of that layer are broken or overflow: compare the file with its source");
}

std::vector<float> Stepper::append(std::span<const int32_t> tokens) {
  check(tokens);
  const auto max_rows = static_cast<size_t>(model_.options().max_rows);
  for (; tokens.size() > max_rows; tokens = tokens.subspan(max_rows))
    run({.tokens = tokens.first(max_rows), .rows = {}});
  run({.tokens = tokens, .rows = {std::ssize(tokens) - 1, 1}});
  std::vector<float> logits(static_cast<size_t>(model_.config().vocab));
  read_finite(logits);
  return logits;
}

std::vector<float> Stepper::append_all(std::span<const int32_t> tokens) {
  check(tokens);
  const auto step_rows = static_cast<size_t>(std::min(model_.options().max_rows, kMaxLogitRows));
  const auto vocab = static_cast<size_t>(model_.config().vocab);
  std::vector<float> logits(tokens.size() * vocab);
  for (size_t first = 0; first < tokens.size(); first += step_rows) {
    const auto chunk = tokens.subspan(first, std::min(step_rows, tokens.size() - first));
    run({.tokens = chunk, .rows = {0, std::ssize(chunk)}});
    read_finite(std::span(logits).subspan(first * vocab, chunk.size() * vocab));
  }
  return logits;
}

std::vector<float> Stepper::append_draft(std::span<const int32_t> tokens) {
  check(tokens);
  const int64_t limit = model_.options().draft_rows;
  if (std::ssize(tokens) > limit) {
    throw Error(ErrorCode::kUsage, "tokens",
                fmt::format("a draft of {} tokens, expected at most {}", tokens.size(), limit),
                "load with larger draft_rows");
  }
  run({.tokens = tokens, .rows = {0, std::ssize(tokens)}, .is_draft = true});
  std::vector<float> logits(tokens.size() * static_cast<size_t>(model_.config().vocab));
  read_finite(logits);
  return logits;
}

void Stepper::keep(int64_t count) {
  if (drafted_ == 0) throw Error(ErrorCode::kUsage, "keep", "there is no draft", "append one first");
  if (count < 0 || count > drafted_) {
    throw Error(ErrorCode::kUsage, "keep", fmt::format("expected 0 to {} tokens, got {}", drafted_, count));
  }
  const auto rows = static_cast<int32_t>(count);
  backend_.memory().write(kept_, &rows);
  backend_.operations().keep(batch_, kept_);
  tokens_.resize(tokens_.size() - static_cast<size_t>(drafted_ - count));
  drafted_ = 0;
}

std::vector<float> Stepper::step(std::span<const int32_t> tokens, LogitRows rows, const LayerObserver& observer) {
  check(tokens);
  run({.tokens = tokens, .rows = rows}, observer);
  std::vector<float> logits(static_cast<size_t>(rows.count * model_.config().vocab));
  if (!logits.empty()) backend_.memory().read(logits.data(), logits_);
  return logits;
}

std::vector<float> Stepper::step_draft_head(std::span<const int32_t> next) {
  const SequenceRows sequence = {.state = state_, .rows = std::ssize(next), .position = first_position_};
  const Tensor hidden = model_.last_hidden(std::ssize(next));
  const Batch batch = backend_.operations().stage(
      {.tokens = next, .sequences = {&sequence, 1}, .logit_rows = numbers(0, std::ssize(next))});
  const Tensor logits = model_.forward_mtp(batch, {&hidden, 1});
  std::vector<float> values(next.size() * static_cast<size_t>(model_.config().vocab));
  backend_.memory().read(values.data(), logits);
  return values;
}

// ---- measurements

void Stepper::enqueue(std::span<const int32_t> tokens, LogitRows rows) { run({.tokens = tokens, .rows = rows}); }

void Stepper::enqueue_draft(std::span<const int32_t> tokens) {
  run({.tokens = tokens, .rows = {0, std::ssize(tokens)}, .is_draft = true});
}

const SequenceDraws& Stepper::draw(std::span<const TokenMask> masks) {
  const auto drafts = std::span(std::as_const(tokens_)).last(static_cast<size_t>(std::max<int64_t>(drafted_ - 1, 0)));
  const SequenceSampling sampling = {.rows = 1 + std::ssize(drafts),
                                     .sampler = &sampler_,
                                     .history = &counts_,
                                     .drafts = drafts,
                                     .position = position() - std::ssize(drafts),
                                     .masks = masks};
  MOEBIUS_CHECK(sampling.rows == batch_.logit_rows);
  Operations& ops = backend_.operations();
  ops.sample(kept_, logits_, batch_, {&sampling, 1}, {&draws_, 1});
  if (drafted_ > 0) ops.keep(batch_, kept_);
  ops.wait();
  if (drafted_ > 0) tokens_.resize(tokens_.size() - static_cast<size_t>(std::ssize(drafts) - draws_.accepted));
  drafted_ = 0;
  return draws_;
}

void Stepper::rewind(int64_t position) {
  MOEBIUS_CHECK(position >= 0 && position <= std::ssize(tokens_) && drafted_ == 0);
  tokens_.resize(static_cast<size_t>(position));
}

void Stepper::repeat_until(int64_t position) {
  const auto seen = std::ssize(tokens_);
  MOEBIUS_CHECK(seen > 0 && position >= seen && drafted_ == 0);
  backend_.probes().repeat_context(state_, seen, position);
  while (std::ssize(tokens_) < position) tokens_.push_back(tokens_[tokens_.size() - static_cast<size_t>(seen)]);
}

void Stepper::reset() {
  backend_.memory().reset_state(state_);
  tokens_.clear();
  drafted_ = 0;
}

}  // namespace moebius::internal
