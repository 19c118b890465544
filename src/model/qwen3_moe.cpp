// Qwen3-MoE (30B-A3B, 235B-A22B, Coder). Every layer has full attention, without an output gate, and RoPE rotates whole
// heads. It has routed experts and no shared expert. Its norms are stored as w, not zero-centred.
#include "model/family.h"

namespace moebius::internal {
namespace {

constexpr double kPartialRotary = 1.0;  // the default where config.json has no partial_rotary_factor

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
  config.renormalize = source.text().boolean("norm_topk_prob", false);  // published checkpoints say true
  return config;
}

constexpr std::string_view kAccepted[] = {"qwen3_moe"};

}  // namespace

const Family kQwen3Moe = {"qwen3_moe", kAccepted, read_config};

}  // namespace moebius::internal
