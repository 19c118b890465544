// The full-attention block. The backend implements N6 and N7.
#include "model/attention.h"

#include <cmath>

namespace moebius::internal {
void bind_attention(WeightBinder& binder, AttentionWeights& weights, const std::string& path,
                    const ModelConfig& config) {
  const AttentionShape shape = config.attention_shape();
  binder.matrix(weights.q_proj, path + ".q_proj", {shape.query_cols(), config.dim});
  binder.matrix(weights.k_proj, path + ".k_proj", {shape.kv_cols(), config.dim});
  binder.matrix(weights.v_proj, path + ".v_proj", {shape.kv_cols(), config.dim});
  binder.matrix(weights.o_proj, path + ".o_proj", {config.dim, shape.out_cols()});
  binder.norm(weights.q_norm, path + ".q_norm.weight", config.head_dim);
  binder.norm(weights.k_norm, path + ".k_norm.weight", config.head_dim);
}

void attention_block(const StepContext& step, const Output& out, const Input& x, const AttentionWeights& weights,
                     int64_t index) {
  const ModelConfig& config = step.config;
  const AttentionShape shape = config.attention_shape();
  const Tensor q = step.rows_of(step.workspace.q_or_qkv, shape.query_cols());
  const Tensor k = step.rows_of(step.workspace.k_or_z, shape.kv_cols());
  const Tensor v = step.rows_of(step.workspace.v_or_b, shape.kv_cols());
  const MixedRows mixed = step.mixed(shape.out_cols());
  const Projection qkv[] = {{{q}, weights.q_proj}, {{k}, weights.k_proj}, {{v}, weights.v_proj}};
  step.ops.linear(qkv, x);
  const AttentionArgs args{.shape = shape,
                           .q = q,
                           .k = k,
                           .v = v,
                           .q_norm = weights.q_norm,
                           .k_norm = weights.k_norm,
                           .rope = step.rope,
                           .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim))),
                           .eps = config.eps,
                           .layer = index};
  step.ops.attention(mixed, args, step.batch);
  const Projection output[] = {{out, weights.o_proj}};
  step.ops.linear(output, {.x = mixed.x, .quantized = mixed.quantized});
}

}  // namespace moebius::internal
