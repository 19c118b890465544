// See decoder.h.
#include "model/decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "model/weights.h"

namespace moebius {

Decoder::Decoder(const ModelDir& directory, Backend& backend, const ModelConfig& config, const ModelOptions& options)
    : config_(config), options_(effective_options(config, options)), backend_(backend) {
  WeightBinder binder(directory, config_.norms);
  bind(binder);
  if (options_.mtp == kBundledMtp) bind_mtp(binder, mtp_.emplace(), config_);
  binder.check_complete();
  binder.upload(backend_, options_.progress);
  if (config_.tied_embeddings) lm_head_ = embedding_;
  if (!options_.mtp.empty() && !mtp_) load_mtp(ModelDir(options_.mtp));
  const std::vector<float> table = rope_table(options_.context, config_.rope());
  rope_ = backend_.upload(table, options_.context, config_.rotary_dim);
  workspace_ = allocate_workspace(backend_, config_, options_);
  backend_.reserve(options_.max_rows);
}

void Decoder::bind(WeightBinder& binder) {
  binder.matrix(embedding_, "model.embed_tokens", {config_.vocab, config_.dim});
  layers_.resize(static_cast<size_t>(config_.layers));
  const auto kinds = config_.layer_kinds.begin();
  for (int64_t i = 0; i < config_.layers; ++i) {
    DecoderLayer& layer = layers_[static_cast<size_t>(i)];
    layer.mixer_index = std::count(kinds, kinds + i, kinds[i]);
    bind_layer(binder, layer, fmt::format("model.layers.{}", i), {kinds[i], config_.mlp_kinds[i]}, config_);
  }
  binder.norm(final_norm_, "model.norm.weight", config_.dim);
  if (config_.tied_embeddings) {
    binder.skip_module("lm_head");  // some exports keep a copy
  } else {
    binder.matrix(lm_head_, "lm_head", {config_.vocab, config_.dim});
  }
}

// A head by itself has no convolution to tell how its norms are stored: MLX tools convert those that they split off.
void Decoder::load_mtp(const ModelDir& directory) {
  WeightBinder binder(directory, config_.norms);
  binder.set_raw(!is_draft_head(directory.config()));
  bind_mtp(binder, mtp_.emplace(), config_);
  binder.upload(backend_, nullptr);
}

void Decoder::check(const Step& step) const {
  const auto rows = static_cast<int64_t>(step.tokens.size());
  MOEBIUS_CHECK(rows >= 1 && rows <= options_.max_rows);
  MOEBIUS_CHECK(std::ranges::all_of(step.tokens, [&](int32_t id) { return id >= 0 && id < config_.vocab; }));
  int64_t covered = 0;
  for (const SequenceRows& sequence : step.sequences) {
    MOEBIUS_CHECK(sequence.first_row == covered && sequence.rows >= 1);
    MOEBIUS_CHECK(sequence.position >= 0 && sequence.position + sequence.rows <= options_.context);
    covered += sequence.rows;
  }
  MOEBIUS_CHECK(covered == rows);
  for (const LoggedRows& logged : step.logged) {
    MOEBIUS_CHECK(logged.first_row >= 0 && logged.rows >= 1 && logged.first_row + logged.rows <= rows);
  }
  MOEBIUS_CHECK(static_cast<int64_t>(step.logit_rows.size()) <= kMaxLogitRows);
  MOEBIUS_CHECK(std::ranges::all_of(step.logit_rows, [&](int32_t row) { return row >= 0 && row < rows; }));
}

StepContext Decoder::context(int64_t rows, std::span<const SequenceRows> sequences,
                             std::span<const LoggedRows> logged) const {
  return {backend_, config_, workspace_, rope_, rows, sequences, logged};
}

Tensor Decoder::forward(const Step& step, const LayerObserver& observer) {
  check(step);
  const auto rows = static_cast<int64_t>(step.tokens.size());
  const Tensor ids = workspace_.ids.first(rows);
  const Tensor residual = workspace_.residual.first(rows);
  const Tensor hidden = workspace_.hidden.first(rows);
  backend_.write(ids, step.tokens.data());
  backend_.embed(residual, ids, embedding_);
  run_layers(context(rows, step.sequences, step.logged), observer);
  if (step.logit_rows.empty() && !observer && !mtp_) return workspace_.logits.first(0);
  backend_.add_rms_norm(hidden, residual, workspace_.block_out.first(rows), final_norm_, config_.eps);
  if (observer) observer(config_.layers - 1, residual);
  return run_head(step.logit_rows, hidden);
}

Tensor Decoder::forward_mtp(const MtpStep& step) {
  check({.tokens = step.tokens, .sequences = step.sequences, .logit_rows = step.logit_rows});
  const auto rows = static_cast<int64_t>(step.tokens.size());
  MOEBIUS_CHECK(mtp_ && step.hidden.rows == rows);
  const Tensor ids = workspace_.ids.first(rows);
  const Tensor residual = workspace_.residual.first(rows);
  const Tensor normed = workspace_.normed.first(rows);
  const Tensor block_out = workspace_.block_out.first(rows);
  const Tensor both = workspace_.mtp_in.first(rows);
  backend_.write(ids, step.tokens.data());
  backend_.embed(residual, ids, embedding_);
  backend_.rms_norm(normed, residual, mtp_->embedding_norm, config_.eps);
  backend_.rms_norm(block_out, step.hidden, mtp_->hidden_norm, config_.eps);
  backend_.concat(both, normed, block_out);
  const Projection fc[] = {{residual, mtp_->fc}};
  backend_.linear(fc, both);
  backend_.rms_norm(normed, residual, mtp_->layer.input_norm, config_.eps);
  run_layer(context(rows, step.sequences), mtp_->layer, options_.experts);
  const Tensor hidden = workspace_.hidden.first(rows);
  backend_.add_rms_norm(hidden, residual, block_out, mtp_->norm, config_.eps);
  return run_head(step.logit_rows, hidden);
}

// The sum of a block's output into the residual is fused with the norm that reads it next, so the output of a layer is
// complete only in the first norm of the following one: that is where the observer looks. The last output is left in
// block_out.
void Decoder::run_layers(const StepContext& step, const LayerObserver& observer) const {
  const Tensor residual = workspace_.residual.first(step.rows);
  const Tensor normed = workspace_.normed.first(step.rows);
  const Tensor block_out = workspace_.block_out.first(step.rows);
  for (int64_t i = 0; i < config_.layers; ++i) {
    const DecoderLayer& layer = layers_[static_cast<size_t>(i)];
    if (i == 0) {
      backend_.rms_norm(normed, residual, layer.input_norm, config_.eps);
    } else {
      backend_.add_rms_norm(normed, residual, block_out, layer.input_norm, config_.eps);
      if (observer) observer(i - 1, residual);
    }
    run_layer(step, layer, options_.experts);
  }
}

// hidden [T, D]; the head runs on the wanted rows alone.
Tensor Decoder::run_head(std::span<const int32_t> rows, Tensor hidden) {
  const auto wanted = static_cast<int64_t>(rows.size());
  const Tensor logits = workspace_.logits.first(wanted);
  if (wanted == 0) return logits;
  const Tensor ids = workspace_.logit_ids.first(wanted);
  const Tensor head_in = workspace_.head_in.first(wanted);
  backend_.write(ids, rows.data());
  backend_.gather_rows(head_in, hidden, ids);
  const Projection head[] = {{logits, lm_head_}};
  backend_.linear(head, head_in);
  return logits;
}

void Decoder::replay(State state, const DeltaLog& log, int64_t first, int64_t rows) {
  for (int64_t done = 0; done < rows; done += options_.max_rows) {
    const int64_t n = std::min(options_.max_rows, rows - done);
    const SequenceRows sequences[] = {{.state = state, .rows = n}};
    for (const DecoderLayer& layer : layers_) {
      const auto* weights = std::get_if<DeltaNetWeights>(&layer.mixer);
      if (weights == nullptr) continue;
      const DeltaInputs inputs = logged_inputs(log, layer.mixer_index, first + done, n);
      replay_delta_net(context(n, sequences), inputs, *weights, layer.mixer_index);
    }
  }
}

Tensor Decoder::moe_layer(int64_t layer, Tensor x) {
  MOEBIUS_CHECK(layer >= 0 && layer < config_.layers && x.rows <= options_.max_rows && x.cols == config_.dim);
  const Tensor out = workspace_.block_out.first(x.rows);
  mlp_block(context(x.rows, {}), out, x, layers_[static_cast<size_t>(layer)].mlp, options_.experts);
  return out;
}

}  // namespace moebius
