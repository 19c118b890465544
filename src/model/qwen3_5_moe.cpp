// Qwen3.5-MoE (and Qwen3.6): a hybrid of GatedDeltaNet and gated full attention, every layer with routed experts and a
// shared one. Here: its config mapping, its tensor names, its forward pass. The blocks themselves are shared between
// families (attention.h, delta_net.h, moe.h).
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <variant>

#include "base/check.h"
#include "model/attention.h"
#include "model/delta_net.h"
#include "model/family.h"
#include "model/moe.h"
#include "model/rope.h"
#include "model/weights.h"
#include "model/workspace.h"

namespace moebius {
namespace {

constexpr int64_t kHeadDim = 256;  // when config.json does not say
constexpr double kPartialRotary = 0.25;

ModelConfig read_config(const ConfigSource& source) {
  ModelConfig config;
  read_trunk(config, source);
  read_layer_kinds(config, source);
  read_attention(config, source, kHeadDim);
  config.attention_gate = source.text().boolean("attn_output_gate", true);
  read_rope(config, source, kPartialRotary);
  read_delta_net(config, source);
  read_experts(config, source);
  config.renormalize = true;  // hard-wired in this family, whatever norm_topk_prob says
  return config;
}

struct Layer {
  Tensor input_norm, post_norm;  // [1, D]
  std::variant<DeltaNetWeights, AttentionWeights> mixer;
  int64_t mixer_index = 0;  // among the layers of its kind, as the state counts them
  MoeWeights moe;
};

class Qwen35MoeModel : public Model {
 public:
  Qwen35MoeModel(const ModelDir& directory, Backend& backend, const ModelConfig& config, const ModelOptions& options);

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] const ModelOptions& options() const override { return options_; }
  [[nodiscard]] StateSpec state_spec() const override { return make_state_spec(config_, options_); }

  Tensor forward(const Step& step, const LayerObserver& observer) override;
  Tensor moe_layer(int64_t layer, Tensor x) override;
  void set_expert_path(ExpertPath path) override { options_.experts = path; }

 private:
  void bind(WeightBinder& binder);
  void bind_layer(WeightBinder& binder, int64_t index);
  void check(const Step& step) const;
  [[nodiscard]] StepContext context(std::span<const SequenceRows> sequences) const;
  void run_mixer(const StepContext& step, Tensor out, Tensor x, const Layer& layer) const;
  Tensor run_head(const Step& step, Tensor normed);

  ModelConfig config_;
  ModelOptions options_;
  Backend& backend_;
  Matrix embedding_, lm_head_;  // [V, D]; the same matrix when tied
  Tensor final_norm_;           // [1, D]
  std::vector<Layer> layers_;
  Tensor rope_;  // [context, rotary_dim]
  Workspace workspace_;
};

Qwen35MoeModel::Qwen35MoeModel(const ModelDir& directory, Backend& backend, const ModelConfig& config,
                               const ModelOptions& options)
    : config_(config), options_(effective_options(config, options)), backend_(backend) {
  WeightBinder binder(directory);
  bind(binder);
  binder.check_complete();
  binder.upload(backend_, options_.progress);
  if (config_.tied_embeddings) lm_head_ = embedding_;
  const std::vector<float> table = rope_table(options_.context, config_.rotary_dim, config_.rope_theta);
  rope_ = backend_.upload(table, options_.context, config_.rotary_dim);
  workspace_ = allocate_workspace(backend_, config_, options_.max_rows);
  backend_.reserve(options_.max_rows);
}

void Qwen35MoeModel::bind(WeightBinder& binder) {
  binder.matrix(embedding_, "model.embed_tokens", {config_.vocab, config_.dim});
  layers_.resize(static_cast<size_t>(config_.layers));
  for (int64_t i = 0; i < config_.layers; ++i) bind_layer(binder, i);
  binder.centred_norm(final_norm_, "model.norm.weight", config_.dim);
  if (config_.tied_embeddings) {
    binder.skip_module("lm_head");  // some exports keep a copy
  } else {
    binder.matrix(lm_head_, "lm_head", {config_.vocab, config_.dim});
  }
}

void Qwen35MoeModel::bind_layer(WeightBinder& binder, int64_t index) {
  const std::string path = fmt::format("model.layers.{}", index);
  const auto kinds = config_.layer_kinds.begin();
  const LayerKind kind = kinds[index];
  Layer& layer = layers_[static_cast<size_t>(index)];
  layer.mixer_index = std::count(kinds, kinds + index, kind);
  binder.centred_norm(layer.input_norm, path + ".input_layernorm.weight", config_.dim);
  binder.centred_norm(layer.post_norm, path + ".post_attention_layernorm.weight", config_.dim);
  if (kind == LayerKind::kFullAttention) {
    bind_attention(binder, layer.mixer.emplace<AttentionWeights>(), path + ".self_attn", config_);
  } else {
    bind_delta_net(binder, layer.mixer.emplace<DeltaNetWeights>(), path + ".linear_attn", config_);
  }
  bind_moe(binder, layer.moe, path + ".mlp", config_);
}

void Qwen35MoeModel::check(const Step& step) const {
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
  MOEBIUS_CHECK(static_cast<int64_t>(step.logit_rows.size()) <= kMaxLogitRows);
  MOEBIUS_CHECK(std::ranges::all_of(step.logit_rows, [&](int32_t row) { return row >= 0 && row < rows; }));
}

StepContext Qwen35MoeModel::context(std::span<const SequenceRows> sequences) const {
  return {backend_, config_, workspace_, rope_, sequences};
}

void Qwen35MoeModel::run_mixer(const StepContext& step, Tensor out, Tensor x, const Layer& layer) const {
  if (const auto* attention = std::get_if<AttentionWeights>(&layer.mixer)) {
    attention_block(step, out, x, *attention, layer.mixer_index);
  } else {
    delta_net_block(step, out, x, std::get<DeltaNetWeights>(layer.mixer), layer.mixer_index);
  }
}

// The sum of a block's output into the residual is fused with the norm that reads it next, so the output of a layer is
// complete only in the first norm of the following one: that is where the observer looks.
Tensor Qwen35MoeModel::forward(const Step& step, const LayerObserver& observer) {
  check(step);
  const auto rows = static_cast<int64_t>(step.tokens.size());
  const Tensor ids = workspace_.ids.first(rows);
  const Tensor residual = workspace_.residual.first(rows);
  const Tensor normed = workspace_.normed.first(rows);
  const Tensor block_out = workspace_.block_out.first(rows);
  const StepContext blocks = context(step.sequences);
  backend_.write(ids, step.tokens.data());
  backend_.embed(residual, ids, embedding_);
  for (int64_t i = 0; i < config_.layers; ++i) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    if (i == 0) {
      backend_.rms_norm(normed, residual, layer.input_norm, config_.eps);
    } else {
      backend_.add_rms_norm(normed, residual, block_out, layer.input_norm, config_.eps);
      if (observer) observer(i - 1, residual);
    }
    run_mixer(blocks, block_out, normed, layer);
    backend_.add_rms_norm(normed, residual, block_out, layer.post_norm, config_.eps);
    moe_block(blocks, block_out, normed, layer.moe, options_.experts);
  }
  if (step.logit_rows.empty() && !observer) return workspace_.logits.first(0);
  backend_.add_rms_norm(normed, residual, block_out, final_norm_, config_.eps);
  if (observer) observer(config_.layers - 1, residual);
  return run_head(step, normed);
}

// normed [T, D]; the head runs on the wanted rows alone.
Tensor Qwen35MoeModel::run_head(const Step& step, Tensor normed) {
  const auto wanted = static_cast<int64_t>(step.logit_rows.size());
  const Tensor logits = workspace_.logits.first(wanted);
  if (wanted == 0) return logits;
  const Tensor ids = workspace_.logit_ids.first(wanted);
  const Tensor head_in = workspace_.head_in.first(wanted);
  backend_.write(ids, step.logit_rows.data());
  backend_.gather_rows(head_in, normed, ids);
  const Projection head[] = {{logits, lm_head_}};
  backend_.linear(head, head_in);
  return logits;
}

Tensor Qwen35MoeModel::moe_layer(int64_t layer, Tensor x) {
  MOEBIUS_CHECK(layer >= 0 && layer < config_.layers && x.rows <= options_.max_rows && x.cols == config_.dim);
  const Tensor out = workspace_.block_out.first(x.rows);
  moe_block(context({}), out, x, layers_[static_cast<size_t>(layer)].moe, options_.experts);
  return out;
}

std::unique_ptr<Model> load(const ModelDir& directory, Backend& backend, const ModelConfig& config,
                            const ModelOptions& options) {
  return std::make_unique<Qwen35MoeModel>(directory, backend, config, options);
}

constexpr std::string_view kAccepted[] = {"qwen3_5_moe", "qwen3_5_moe_text"};

}  // namespace

const Family kQwen35Moe = {"qwen3_5_moe", kAccepted, read_config, load};

}  // namespace moebius
