// Values that follow from the facts of a config. config_source.cpp and the family files read the facts.
#include "model/config.h"

#include <algorithm>

namespace moebius::internal {

AttentionShape ModelConfig::attention_shape() const {
  return {
      .heads = heads, .kv_heads = kv_heads, .head_dim = head_dim, .rotary_dim = rotary_dim, .gated = attention_gate};
}

DeltaShape ModelConfig::delta_shape() const {
  if (count(LayerKind::kLinearAttention) == 0) return {};
  return {.key_heads = key_heads,
          .value_heads = value_heads,
          .key_head_dim = key_head_dim,
          .value_head_dim = value_head_dim,
          .conv_kernel = conv_kernel};
}

RouterShape ModelConfig::router_shape() const {
  return {.experts = experts, .top_k = top_k, .shared = shared_width > 0};
}

int64_t ModelConfig::count(LayerKind kind) const { return std::count(layer_kinds.begin(), layer_kinds.end(), kind); }
int64_t ModelConfig::count(MlpKind kind) const { return std::count(mlp_kinds.begin(), mlp_kinds.end(), kind); }

}  // namespace moebius::internal
