// Qwen3-Next (80B-A3B, Coder-Next): a hybrid of GatedDeltaNet and gated full attention, with routed experts and a
// shared expert. Its published checkpoints interleave the input projections of linear layers by key heads
// (delta_net.h).
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
  config.attention_gate = true;  // fixed in this family: config.json has no key for it
  read_rope(config, source, kPartialRotary);
  read_delta_net(config, source);
  read_mlp_kinds(config, source);
  if (config.count(MlpKind::kDense) > 0) read_dense_mlp(config, source);
  if (config.count(MlpKind::kMoe) > 0) {
    read_experts(config, source);
    read_shared_expert(config, source);
  }
  config.renormalize = source.text().boolean("norm_topk_prob", true);
  return config;
}

constexpr std::string_view kAccepted[] = {"qwen3_next"};

}  // namespace

const Family kQwen3Next = {"qwen3_next", kAccepted, read_config};

}  // namespace moebius::internal
