// See fake_model.h.
#include "schedule/testing/fake_model.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace moebius::testing {
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

// Every bit of the row stays what it is on its way through tensors.
template <typename Row>
void store(Tensor tensor, int64_t row, const Row& value) {
  std::memcpy(tensor.row(row), &value, sizeof(value));
}

template <typename Row>
Row load(Tensor tensor, int64_t row) {
  Row value;
  std::memcpy(static_cast<void*>(&value), tensor.row(row), sizeof(value));
  return value;
}

// A row of a log.
struct Logged {
  int32_t token = 0;
  int32_t position = 0;
};

}  // namespace

uint64_t FakeModel::Hidden::hash() const { return mix(mix(recurrent, attention), 3); }

FakeModel::FakeModel(FakeBackend& backend, const FakeOptions& options)
    : backend_(backend), fake_(options), config_(make_config(options)) {
  static_assert(sizeof(Hidden) == 6 * sizeof(float));
  options_.context = options.context;
  options_.max_rows = options.max_rows;
  options_.draft_rows = options.draft_rows;
  if (options.has_head) options_.mtp = kBundledMtp;
  options_ = effective_options(config_, options_);
  logits_ = backend_.allocate(DType::kF32, kMaxLogitRows, config_.vocab);
  hidden_ = backend_.allocate(DType::kF32, options_.max_rows, config_.dim);
}

FakeModel::~FakeModel() {
  backend_.free_tensor(logits_);
  backend_.free_tensor(hidden_);
}

void FakeModel::check(const Step& step) const {
  const auto rows = std::ssize(step.tokens);
  MOEBIUS_CHECK(rows >= 1 && rows <= options_.max_rows);
  MOEBIUS_CHECK(std::ranges::all_of(step.tokens, [&](int32_t id) { return id >= 0 && id < config_.vocab; }));
  int64_t covered = 0;
  for (const SequenceRows& sequence : step.sequences) {
    MOEBIUS_CHECK(sequence.first_row == covered && sequence.rows >= 1);
    MOEBIUS_CHECK(sequence.position >= 0 && sequence.position + sequence.rows <= options_.context);
    MOEBIUS_CHECK(std::ranges::count(step.sequences, sequence.state.id,
                                     [](const SequenceRows& other) { return other.state.id; }) == 1);
    covered += sequence.rows;
  }
  MOEBIUS_CHECK(covered == rows);
  for (const LoggedRows& logged : step.logged) {
    MOEBIUS_CHECK(logged.first_row >= 0 && logged.rows >= 1 && logged.first_row + logged.rows <= rows);
    MOEBIUS_CHECK(logged.log_row >= 0 && logged.log_row + logged.rows <= logged.log->capacity);
  }
  MOEBIUS_CHECK(std::ssize(step.logit_rows) <= kMaxLogitRows);
  MOEBIUS_CHECK(std::ranges::is_sorted(step.logit_rows, std::less_equal<>()) || step.logit_rows.size() <= 1);
  MOEBIUS_CHECK(std::ranges::all_of(step.logit_rows, [&](int32_t row) { return row >= 0 && row < rows; }));
}

// What an earlier step left is gone.
void FakeModel::forget_step() {
  std::fill_n(logits_.f32(), logits_.rows * logits_.cols, kNan);
  std::memset(hidden_.data, 0xee, static_cast<size_t>(hidden_.bytes()));
}

// ---- the model

Tensor FakeModel::forward(const Step& step, const LayerObserver& observer) {
  check(step);
  forget_step();
  sources_.assign(step.tokens.size(), {});
  for (const SequenceRows& sequence : step.sequences) run_sequence(step, sequence);
  for (const LoggedRows& rows : step.logged) log(step, rows);
  if (observer) observe(step, observer);
  now_ += fake_.step_seconds(std::ssize(step.tokens));
  steps_ += 1;
  rows_ += std::ssize(step.tokens);
  return write_logits(step.logit_rows);
}

void FakeModel::run_sequence(const Step& step, const SequenceRows& sequence) {
  FakeState& state = backend_.state(sequence.state);
  MOEBIUS_CHECK(state.draft.empty());  // keep_rows() comes first
  MOEBIUS_CHECK(!sequence.draft || sequence.rows <= state.spec.draft_rows);
  MOEBIUS_CHECK(config_.count(LayerKind::kLinearAttention) == 0 || state.now.seen == sequence.position);
  Hidden hidden = read_prefix(sequence.state, sequence.position);
  if (sequence.draft) state.draft.push_back(state.now);
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const int64_t row = sequence.first_row + i;
    const int64_t position = sequence.position + i;
    const int32_t token = step.tokens[row];
    advance(state, token);
    if (sequence.draft) state.draft.push_back(state.now);
    FakeEntry entry{.is_written = true, .is_nan = token == fake_.nan_token, .token = token};
    entry.hash = mix(mix(mix(hidden.attention, state.now.hash), token), position);
    hidden.recurrent = state.now.hash;
    hidden.attention = mix(hidden.attention, entry.hash);
    hidden.is_nan |= entry.is_nan ? 1 : 0;
    entry.hidden = hidden.hash();
    backend_.write_entry(sequence.state, position, entry);
    sources_[row] = hidden;
    store(hidden_, row, hidden);
  }
}

// What attention makes of the positions before a row.
FakeModel::Hidden FakeModel::read_prefix(State state, int64_t positions) {
  Hidden hidden;
  for (int64_t i = 0; i < positions; ++i) {
    const FakeEntry& entry = backend_.entry(state, i);
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
      logits_.row(i)[id] = source.is_nan != 0 ? kNan : static_cast<float>(8 * unit(mix(hash, id)));
    }
  }
  return logits_.first(std::ssize(rows));
}

Tensor FakeModel::last_hidden(int64_t rows) const {
  MOEBIUS_CHECK(rows >= 1 && rows <= std::ssize(sources_));
  return hidden_.first(rows);
}

// NaN begins in the last layer.
void FakeModel::observe(const Step& step, const LayerObserver& observer) {
  std::vector<float> residual(step.tokens.size() * config_.dim, 1);
  const Tensor tensor{
      .data = residual.data(), .dtype = DType::kF32, .rows = std::ssize(step.tokens), .cols = config_.dim};
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (int64_t row = 0; row < tensor.rows && layer + 1 == config_.layers; ++row) {
      if (sources_[row].is_nan != 0) tensor.row(row)[0] = kNan;
    }
    observer(layer, tensor);
  }
}

Tensor FakeModel::moe_layer(int64_t, Tensor) { check_failed("a fake model has no layers", __FILE__, __LINE__); }

// ---- the draft head

Tensor FakeModel::forward_mtp(const MtpStep& step) {
  MOEBIUS_CHECK(!options_.mtp.empty() && step.hidden.rows == std::ssize(step.tokens));
  check({.tokens = step.tokens, .sequences = step.sequences, .logit_rows = step.logit_rows});
  std::vector<Hidden> given;
  for (int64_t row = 0; row < step.hidden.rows; ++row) given.push_back(load<Hidden>(step.hidden, row));
  MOEBIUS_CHECK(std::ranges::all_of(given, [](const Hidden& row) { return row.mark == Hidden::kMark; }));
  forget_step();
  sources_ = std::move(given);
  for (const SequenceRows& sequence : step.sequences) run_head(step, sequence);
  now_ += fake_.head_seconds(std::ssize(step.tokens));
  head_steps_ += 1;
  return write_logits(step.logit_rows);
}

// From what the model knew behind a token, and the next token: what it will know behind that one. Where the head is
// wrong it knows something else.
void FakeModel::run_head(const MtpStep& step, const SequenceRows& sequence) {
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const int64_t row = sequence.first_row + i;
    const int64_t position = sequence.position + i;
    const int32_t token = step.tokens[row];
    Hidden hidden = sources_[row];
    backend_.write_pair(sequence.state, position, {true, hidden.hash(), token});
    if (config_.count(LayerKind::kLinearAttention) > 0) hidden.recurrent = mix(mix(hidden.recurrent, token), 17);
    const uint64_t entry = mix(mix(mix(hidden.attention, hidden.recurrent), token), position + 1);
    hidden.attention = mix(hidden.attention, entry);
    if (token == fake_.head_nan_token) hidden.is_nan = 1;
    if (unit(hidden.hash()) >= fake_.head_accuracy) hidden.attention = mix(hidden.attention, 5);
    sources_[row] = hidden;
    store(hidden_, row, hidden);
  }
  count_gaps(sequence.state, sequence.position);
}

// Pairs before `position`, which the head attends to, as far as the truth behind them is known.
void FakeModel::count_gaps(State state, int64_t position) {
  const int64_t known = std::min(position, backend_.state(state).now.seen - 1);
  for (int64_t i = 0; i < known; ++i) {
    const FakePair truth = {true, backend_.entry(state, i).hidden, backend_.entry(state, i + 1).token};
    if (backend_.pair(state, i) != truth) ++head_gaps_;
  }
}

// ---- logs

DeltaLog FakeModel::create_log(int64_t capacity) {
  logged_bytes_ += log_bytes(capacity);
  return create_delta_log(backend_, config_, capacity);
}

void FakeModel::free_log(const DeltaLog& log) {
  logged_bytes_ -= log_bytes(log.capacity);
  free_delta_log(backend_, log);
}

int64_t FakeModel::log_bytes(int64_t capacity) const { return delta_log_bytes(config_, capacity); }

void FakeModel::log(const Step& step, const LoggedRows& rows) {
  const auto sequence = std::ranges::find_if(step.sequences, [&](const SequenceRows& candidate) {
    return rows.first_row >= candidate.first_row && rows.first_row < candidate.first_row + candidate.rows;
  });
  MOEBIUS_CHECK(rows.first_row + rows.rows <= sequence->first_row + sequence->rows);
  for (int64_t layer = 0; layer < config_.count(LayerKind::kLinearAttention); ++layer) {
    const DeltaInputs inputs = logged_inputs(*rows.log, layer, rows.log_row, rows.rows);
    for (int64_t i = 0; i < rows.rows; ++i) {
      const int64_t position = sequence->position + rows.first_row + i - sequence->first_row;
      store(inputs.qkv, i, Logged{step.tokens[rows.first_row + i], static_cast<int32_t>(position)});
    }
  }
}

void FakeModel::replay(State state, const DeltaLog& log, int64_t first, int64_t rows) {
  FakeState& of = backend_.state(state);
  MOEBIUS_CHECK(of.draft.empty());
  if (config_.count(LayerKind::kLinearAttention) == 0) return;
  const DeltaInputs inputs = logged_inputs(log, 0, first, rows);
  for (int64_t i = 0; i < rows; ++i) {
    const auto logged = load<Logged>(inputs.qkv, i);
    MOEBIUS_CHECK(logged.position == of.now.seen);
    advance(of, logged.token);
  }
}

}  // namespace moebius::testing
