// See decoder.h.
#include "model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "model/weights.h"

namespace moebius::internal {

Decoder::Decoder(const Checkpoint& checkpoint, Backend& backend, const ModelOptions& options)
    : config_(checkpoint.config),
      options_(effective_options(config_, options)),
      memory_(backend.memory()),
      ops_(backend.operations()) {
  WeightLoader& loader = backend.weights();
  WeightBinder binder(checkpoint.files, config_.norms);
  bind(binder);
  if (options_.mtp == kBundledMtp) bind_mtp(binder, mtp_.emplace(), config_);
  binder.check_complete();
  binder.upload(loader, options_.progress);
  if (config_.tied_embeddings) lm_head_ = embedding_;
  if (!options_.mtp.empty() && !mtp_) load_mtp(ModelDir(options_.mtp), loader);
  const std::vector<float> table = rope_table(options_.context, config_.rope());
  rope_ = loader.upload_table(table, options_.context, config_.rotary_dim);
  workspace_ = allocate_workspace(memory_, config_, options_);
  reserve();
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

// A draft head in a directory of its own has no convolution that tells how its norms are stored. A config.json that
// describes a draft head (is_draft_head) is the sign of converted norms, because MLX tools convert a head that they
// split off.
void Decoder::load_mtp(const ModelDir& directory, WeightLoader& loader) {
  WeightBinder binder(directory, config_.norms);
  binder.set_raw(!is_draft_head(directory.config()));
  bind_mtp(binder, mtp_.emplace(), config_);
  binder.upload(loader, nullptr);
}

void Decoder::reserve() {
  ops_.reserve({.rows = options_.max_rows,
                .sequences = std::min(options_.max_rows, kMaxLogitRows),
                .logit_rows = std::min(options_.max_rows, kMaxLogitRows),
                .attention = config_.attention_shape(),
                .delta = config_.delta_shape(),
                .router = config_.router_shape()});
}

StepContext Decoder::context(Batch batch) const { return {ops_, config_, workspace_, rope_, batch}; }

StepShape Decoder::shape_of(Batch batch, StepShape::Program program) const {
  return {.program = program, .path = options_.experts, .rows = batch.rows, .logit_rows = batch.logit_rows};
}

Tensor Decoder::forward(Batch batch, const LayerObserver& observer) {
  const StepContext step = context(batch);
  const auto enqueue = [&] { enqueue_layers(step, observer); };
  if (observer) {
    enqueue();  // no run(): an observer waits for each layer, and such a step cannot be recorded
  } else {
    ops_.run(shape_of(batch, StepShape::Program::kForward), std::ref(enqueue));
  }
  return workspace_.logits.first(batch.logit_rows);
}

void Decoder::enqueue_layers(const StepContext& step, const LayerObserver& observer) const {
  const Tensor residual = workspace_.residual.first(step.batch.rows);
  ops_.embed(residual, step.batch, embedding_);
  for (int64_t i = 0; i < config_.layers; ++i) {
    run_layer(step, layers_[static_cast<size_t>(i)], options_.experts);
    if (observer) observer(i, residual);
  }
  const Norm norm = {final_norm_, config_.eps};
  if (!mtp_) {
    enqueue_logits(step, {.x = residual, .norm = norm});
    return;
  }
  const Tensor hidden = workspace_.hidden.first(step.batch.rows);  // all rows: the draft head continues from them
  ops_.rms_norm(hidden, residual, norm);
  enqueue_logits(step, {.x = hidden});
}

void Decoder::enqueue_logits(const StepContext& step, const Input& rows) const {
  const int64_t wanted = step.batch.logit_rows;
  if (wanted == 0) return;
  const Tensor head_in = workspace_.head_in.first(wanted);
  ops_.gather_logit_rows(head_in, rows.x, step.batch);
  const Projection head[] = {{{workspace_.logits.first(wanted)}, lm_head_}};
  ops_.linear(head, {.x = head_in, .norm = rows.norm});
}

Tensor Decoder::forward_mtp(Batch batch, std::span<const Tensor> hidden) {
  MOEBIUS_CHECK(mtp_);
  int64_t rows = 0;
  for (const Tensor& piece : hidden) {  // outside of run(), which may record: each step has its pieces elsewhere
    memory_.copy(workspace_.mtp_hidden.slice(rows, piece.rows), piece);
    rows += piece.rows;
  }
  MOEBIUS_CHECK(rows == batch.rows);
  const StepContext step = context(batch);
  const auto enqueue = [&] { enqueue_mtp(step); };
  ops_.run(shape_of(batch, StepShape::Program::kDraftHead), std::ref(enqueue));
  return workspace_.logits.first(batch.logit_rows);
}

void Decoder::enqueue_mtp(const StepContext& step) const {
  const int64_t rows = step.batch.rows;
  const float eps = config_.eps;
  const Tensor residual = workspace_.residual.first(rows);
  const Tensor both = workspace_.mtp_in.first(rows);
  ops_.embed(residual, step.batch, embedding_);
  ops_.concat(both, {.x = residual, .norm = {mtp_->embedding_norm, eps}},
              {.x = workspace_.mtp_hidden.first(rows), .norm = {mtp_->hidden_norm, eps}});
  const Projection fc[] = {{{residual}, mtp_->fc}};
  ops_.linear(fc, {.x = both});
  run_layer(step, mtp_->layer, options_.experts);
  const Tensor hidden = workspace_.hidden.first(rows);
  ops_.rms_norm(hidden, residual, {mtp_->norm, eps});
  enqueue_logits(step, {.x = hidden});
}

void Decoder::replay(State state, DeltaLog log, int64_t first, int64_t rows) {
  for (int64_t done = 0; done < rows; done += options_.max_rows) {
    const int64_t n = std::min(options_.max_rows, rows - done);
    const SequenceRows logged[] = {{.state = state, .rows = n, .log = log, .log_row = first + done}};
    const Batch batch = ops_.stage({.tokens = {}, .sequences = logged, .logit_rows = {}});
    const StepContext step = context(batch);
    const auto enqueue = [&] {
      for (const DecoderLayer& layer : layers_) {
        const auto* weights = std::get_if<DeltaNetWeights>(&layer.mixer);
        if (weights != nullptr) replay_delta_net(step, *weights, layer.mixer_index);
      }
    };
    ops_.run(shape_of(batch, StepShape::Program::kReplay), std::ref(enqueue));
  }
}

Tensor Decoder::mlp_layer(int64_t layer, Tensor x) {
  MOEBIUS_CHECK(layer >= 0 && layer < config_.layers && x.rows <= options_.max_rows && x.cols == config_.dim);
  const Tensor out = workspace_.residual.first(x.rows);
  mlp_block(context({}), {out}, {x}, layers_[static_cast<size_t>(layer)].mlp, options_.experts);
  return out;
}

}  // namespace moebius::internal
