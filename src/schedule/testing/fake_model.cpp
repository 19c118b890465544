// Implements the fake model of fake_model.h.
#include "schedule/testing/fake_model.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

uint64_t mix(uint64_t seed, uint64_t value) {
  uint64_t x = (seed ^ value) * 0x9e3779b97f4a7c15u + value;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  return x ^ (x >> 32);
}

double unit(uint64_t hash) { return static_cast<double>(mix(hash, 11) >> 11) * 0x1p-53; }

ModelConfig make_config(const FakeOptions& options) {
  ModelConfig config;
  config.model_type = "fake";
  config.dim = 6;
  config.vocab = FakeModel::kVocab + 2;
  config.max_positions = options.context;
  config.layer_kinds.assign(options.delta_layers, LayerKind::kLinearAttention);
  config.layer_kinds.push_back(LayerKind::kFullAttention);
  config.layers = std::ssize(config.layer_kinds);
  config.heads = config.kv_heads = config.head_dim = 1;
  config.key_heads = config.value_heads = config.key_head_dim = config.value_head_dim = 1;
  return config;
}

// Stores a value in a row of a tensor. All its bits are preserved.
template <typename Row>
void store(Tensor tensor, int64_t index, const Row& value) {
  std::memcpy(row(tensor, index), &value, sizeof(value));
}

template <typename Row>
Row load(Tensor tensor, int64_t index) {
  Row value;
  std::memcpy(static_cast<void*>(&value), row(tensor, index), sizeof(value));
  return value;
}

}  // namespace

uint64_t FakeModel::Hidden::hash() const { return mix(mix(recurrent, attention), 3); }

FakeModel::FakeModel(FakeBackend& backend, const FakeOptions& options)
    : memory_(backend.memory()), ops_(backend.operations()), fake_(options), config_(make_config(options)) {
  static_assert(sizeof(Hidden) == 6 * sizeof(float));
  options_.context = options.context;
  options_.max_rows = options.max_rows;
  options_.draft_rows = options.draft_rows;
  if (options.has_head) options_.mtp = kBundledMtp;
  options_ = effective_options(config_, options_);
  logits_ = memory_.allocate(DType::kF32, kMaxLogitRows, config_.vocab);
  hidden_ = memory_.allocate(DType::kF32, options_.max_rows, config_.dim);
  const int64_t max_logit_rows = std::min(options_.max_rows, kMaxLogitRows);
  ops_.reserve({.rows = options_.max_rows, .sequences = max_logit_rows, .logit_rows = max_logit_rows});
}

FakeModel::~FakeModel() {
  memory_.free(logits_);
  memory_.free(hidden_);
}

// Checks the limits of the model, which a staged batch does not know.
void FakeModel::check(const StagedBatch& batch) const {
  MOEBIUS_CHECK(!batch.tokens().empty());
  MOEBIUS_CHECK(std::ranges::all_of(batch.tokens(), [&](int32_t id) { return id < config_.vocab; }));
  for (const SequenceRows& sequence : batch.sequences()) {
    MOEBIUS_CHECK(sequence.position + sequence.rows <= options_.context);
  }
  MOEBIUS_CHECK(std::ranges::adjacent_find(batch.logit_rows()) == batch.logit_rows().end());
}

// Overwrites the logits and hidden states of the last step, so that nobody can rely on them.
void FakeModel::forget_step() {
  std::fill_n(f32(logits_), logits_.rows * logits_.cols, kNan);
  std::memset(TensorMemory::of(hidden_), 0xee, static_cast<size_t>(hidden_.bytes()));
}

// ---- the model

Tensor FakeModel::forward(Batch handle, const LayerObserver& observer) {
  const StagedBatch& batch = ops_.staged(handle);
  check(batch);
  forget_step();
  sources_.assign(handle.rows, {});
  for (const SequenceRows& sequence : batch.sequences()) run_sequence(batch, sequence);
  if (observer) observe(observer);
  now_ += fake_.step_seconds(handle.rows);
  steps_ += 1;
  rows_ += handle.rows;
  return write_logits(batch.logit_rows());
}

void FakeModel::run_sequence(const StagedBatch& batch, const SequenceRows& sequence) {
  FakeState& state = memory_.state(sequence.state);
  MOEBIUS_CHECK(state.draft.empty());  // a batch with drafts runs once
  MOEBIUS_CHECK(config_.count(LayerKind::kLinearAttention) == 0 || state.now.seen == sequence.position);
  Hidden hidden = read_prefix(sequence.state, sequence.position);
  if (sequence.draft) state.draft.push_back(state.now);
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const int64_t at = sequence.first_row + i;
    const int64_t position = sequence.position + i;
    const int32_t token = batch.tokens()[at];
    advance(state, token);
    if (sequence.draft) state.draft.push_back(state.now);
    if (sequence.log.id >= 0) memory_.log(sequence.log).rows[sequence.log_row + i] = {token, position};
    FakeEntry entry{.is_written = true, .is_nan = token == fake_.nan_token, .token = token};
    entry.hash = mix(mix(mix(hidden.attention, state.now.hash), token), position);
    hidden.recurrent = state.now.hash;
    hidden.attention = mix(hidden.attention, entry.hash);
    hidden.is_nan |= entry.is_nan ? 1 : 0;
    entry.hidden = hidden.hash();
    memory_.write_entry(sequence.state, position, entry);
    sources_[at] = hidden;
    store(hidden_, at, hidden);
  }
}

// Returns what attention computes from the positions before a row.
FakeModel::Hidden FakeModel::read_prefix(State state, int64_t positions) {
  Hidden hidden;
  for (int64_t i = 0; i < positions; ++i) {
    const FakeEntry& entry = memory_.entry(state, i);
    MOEBIUS_CHECK(entry.is_written);
    hidden.attention = mix(hidden.attention, entry.hash);
    hidden.is_nan |= entry.is_nan ? 1 : 0;
  }
  return hidden;
}

void FakeModel::advance(FakeState& state, int32_t token) const {
  if (state.spec.delta_layers == 0) return;
  state.now = {mix(mix(state.now.hash, token), 17), state.now.seen + 1};
}

Tensor FakeModel::write_logits(std::span<const int32_t> rows) {
  for (int64_t i = 0; i < std::ssize(rows); ++i) {
    const Hidden& source = sources_[rows[i]];
    const uint64_t hash = source.hash();
    for (int64_t id = 0; id < config_.vocab; ++id) {
      row(logits_, i)[id] = source.is_nan != 0 ? kNan : static_cast<float>(8 * unit(mix(hash, id)));
    }
  }
  return logits_.first(std::ssize(rows));
}

Tensor FakeModel::last_hidden(int64_t rows) const {
  MOEBIUS_CHECK(!options_.mtp.empty() && rows >= 1 && rows <= std::ssize(sources_));
  return hidden_.first(rows);
}

// Shows the layers to the observer. NaN first appears in the last layer.
void FakeModel::observe(const LayerObserver& observer) {
  std::vector<float> values(sources_.size() * config_.dim, 1);
  const Tensor residual = f32_tensor(values.data(), std::ssize(sources_), config_.dim);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (int64_t i = 0; i < residual.rows && layer + 1 == config_.layers; ++i) {
      if (sources_[i].is_nan != 0) row(residual, i)[0] = kNan;
    }
    observer(layer, residual);
  }
}

// ---- the draft head

Tensor FakeModel::forward_mtp(Batch handle, std::span<const Tensor> hidden) {
  const StagedBatch& batch = ops_.staged(handle);
  MOEBIUS_CHECK(!options_.mtp.empty());
  check(batch);
  std::vector<Hidden> given;
  for (const Tensor& piece : hidden) {
    MOEBIUS_CHECK(piece.cols == config_.dim);
    for (int64_t i = 0; i < piece.rows; ++i) given.push_back(load<Hidden>(piece, i));
  }
  MOEBIUS_CHECK(std::ssize(given) == handle.rows);
  MOEBIUS_CHECK(std::ranges::all_of(given, [](const Hidden& from) { return from.mark == Hidden::kMark; }));
  forget_step();
  sources_ = std::move(given);
  for (const SequenceRows& sequence : batch.sequences()) run_head(batch, sequence);
  now_ += fake_.head_seconds(handle.rows);
  head_steps_ += 1;
  return write_logits(batch.logit_rows());
}

// Predicts the hidden state behind the next token, from the hidden state of a token and the next token. When the head
// is to be wrong, the result is another hidden state.
void FakeModel::run_head(const StagedBatch& batch, const SequenceRows& sequence) {
  MOEBIUS_CHECK(!sequence.draft && sequence.log.id < 0);  // the head has no recurrence to take back or to replay
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const int64_t at = sequence.first_row + i;
    const int64_t position = sequence.position + i;
    const int32_t token = batch.tokens()[at];
    Hidden hidden = sources_[at];
    memory_.write_pair(sequence.state, position, {true, hidden.hash(), token});
    if (config_.count(LayerKind::kLinearAttention) > 0) hidden.recurrent = mix(mix(hidden.recurrent, token), 17);
    const uint64_t entry = mix(mix(mix(hidden.attention, hidden.recurrent), token), position + 1);
    hidden.attention = mix(hidden.attention, entry);
    if (token == fake_.head_nan_token) hidden.is_nan = 1;
    if (unit(hidden.hash()) >= fake_.head_accuracy) hidden.attention = mix(hidden.attention, 5);
    sources_[at] = hidden;
    store(hidden_, at, hidden);
  }
  count_gaps(sequence.state, sequence.position);
}

// Counts the wrong pairs before `position`, which the head attends to. It checks only the pairs whose true values are
// known.
void FakeModel::count_gaps(State state, int64_t position) {
  const int64_t known = std::min(position, memory_.state(state).now.seen - 1);
  for (int64_t i = 0; i < known; ++i) {
    const FakePair truth = {true, memory_.entry(state, i).hidden, memory_.entry(state, i + 1).token};
    if (memory_.pair(state, i) != truth) ++head_gaps_;
  }
}

// ---- logs

// A replay is a separate step: it invalidates the staged batch, but leaves the results of the last step valid.
void FakeModel::replay(State state, DeltaLog log, int64_t first, int64_t rows) {
  FakeState& of = memory_.state(state);
  const FakeLog& from = memory_.log(log);
  for (int64_t done = 0; done < rows; done += options_.max_rows) {
    const int64_t n = std::min(options_.max_rows, rows - done);
    const SequenceRows piece = {.state = state, .rows = n, .log = log, .log_row = first + done};
    ops_.stage({.tokens = {}, .sequences = {&piece, 1}, .logit_rows = {}});
    for (int64_t i = 0; i < n; ++i) {
      const FakeLogRow& logged = from.rows[piece.log_row + i];
      MOEBIUS_CHECK(logged.position == of.now.seen);
      advance(of, logged.token);
    }
  }
}

}  // namespace moebius::internal::testing
