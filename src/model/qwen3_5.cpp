// The dense Qwen3.5 (and Qwen3.6): a hybrid of GatedDeltaNet and gated full attention, like Qwen3.5-MoE, with one
// SwiGLU MLP per layer. The small models have tied embeddings.
#include "model/family.h"

namespace moebius::internal {
namespace {

constexpr int64_t kHeadDim = 256;  // the default where config.json has no head_dim
constexpr double kPartialRotary = 0.25;

ModelConfig read_config(const ConfigSource& source) {
  ModelConfig config;
  read_trunk(config, source);
  read_layer_kinds(config, source);
  read_attention(config, source, kHeadDim);
  config.attention_gate = source.text().boolean("attn_output_gate", true);
  read_rope(config, source, kPartialRotary);
  read_delta_net(config, source);
  config.mlp_kinds.assign(static_cast<size_t>(config.layers), MlpKind::kDense);
  read_dense_mlp(config, source);
  return config;
}

constexpr std::string_view kAccepted[] = {"qwen3_5", "qwen3_5_text"};

}  // namespace

const Family kQwen35 = {"qwen3_5", kAccepted, read_config};

}  // namespace moebius::internal
