// Qwen3-MoE (30B-A3B, 235B-A22B, Coder): full attention in every layer, without an output gate and with whole heads
// rotated; routed experts without a shared one. Its norms are kept as they multiply.
#include "model/family.h"

namespace moebius::internal {
namespace {

constexpr double kPartialRotary = 1.0;  // when config.json does not say

ModelConfig read_config(const ConfigSource& source) {
  ModelConfig config;
  config.norms = NormForm::kPlain;
  read_trunk(config, source);
  read_full_attention_layers(config, source);
  read_attention(config, source, std::nullopt);
  config.attention_gate = false;
  read_rope(config, source, kPartialRotary);
  read_mlp_kinds(config, source);
  if (config.count(MlpKind::kDense) > 0) read_dense_mlp(config, source);
  if (config.count(MlpKind::kMoe) > 0) read_experts(config, source);
  config.renormalize = source.text().boolean("norm_topk_prob", false);  // published: true
  return config;
}

constexpr std::string_view kAccepted[] = {"qwen3_moe"};

}  // namespace

const Family kQwen3Moe = {"qwen3_moe", kAccepted, read_config};

}  // namespace moebius::internal
