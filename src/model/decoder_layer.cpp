// See decoder_layer.h.
#include "model/decoder_layer.h"

namespace moebius::internal {
namespace {

void run_mixer(const StepContext& step, const Output& out, const Input& x, const DecoderLayer& layer) {
  if (const auto* attention = std::get_if<AttentionWeights>(&layer.mixer)) {
    attention_block(step, out, x, *attention, layer.mixer_index);
  } else {
    delta_net_block(step, out, x, std::get<DeltaNetWeights>(layer.mixer), layer.mixer_index);
  }
}

}  // namespace

void bind_layer(WeightBinder& binder, DecoderLayer& layer, const std::string& path, const DecoderLayerKinds& kinds,
                const ModelConfig& config) {
  binder.norm(layer.input_norm, path + ".input_layernorm.weight", config.dim);
  binder.norm(layer.post_norm, path + ".post_attention_layernorm.weight", config.dim);
  if (kinds.mixer == LayerKind::kFullAttention) {
    bind_attention(binder, layer.mixer.emplace<AttentionWeights>(), path + ".self_attn", config);
  } else {
    bind_delta_net(binder, layer.mixer.emplace<DeltaNetWeights>(), path + ".linear_attn", config);
  }
  bind_mlp(binder, layer.mlp, path + ".mlp", kinds.mlp, config);
}

void run_layer(const StepContext& step, const DecoderLayer& layer, ExpertPath path) {
  const Tensor residual = step.workspace.residual.first(step.batch.rows);
  const Output sum = {residual, Write::kAdd};
  const float eps = step.config.eps;
  run_mixer(step, sum, {.x = residual, .norm = {layer.input_norm, eps}}, layer);
  mlp_block(step, sum, {.x = residual, .norm = {layer.post_norm, eps}}, layer.mlp, path);
}

}  // namespace moebius::internal
