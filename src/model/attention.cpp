// The full-attention block (N6, N7 are the backend's).
#include "model/attention.h"

#include <cmath>

namespace moebius {
namespace {

int64_t q_cols(const ModelConfig& config) { return config.heads * config.head_dim * (config.attention_gate ? 2 : 1); }

}  // namespace

void bind_attention(WeightBinder& binder, AttentionWeights& weights, const std::string& path,
                    const ModelConfig& config) {
  const int64_t kv_cols = config.kv_heads * config.head_dim;
  binder.matrix(weights.q_proj, path + ".q_proj", {q_cols(config), config.dim});
  binder.matrix(weights.k_proj, path + ".k_proj", {kv_cols, config.dim});
  binder.matrix(weights.v_proj, path + ".v_proj", {kv_cols, config.dim});
  binder.matrix(weights.o_proj, path + ".o_proj", {config.dim, config.heads * config.head_dim});
  binder.norm(weights.q_norm, path + ".q_norm.weight", config.head_dim);
  binder.norm(weights.k_norm, path + ".k_norm.weight", config.head_dim);
}

void attention_block(const StepContext& step, Tensor out, Tensor x, const AttentionWeights& weights, int64_t index) {
  const ModelConfig& config = step.config;
  const int64_t kv_cols = config.kv_heads * config.head_dim;
  const Tensor q = shaped(step.workspace.q_or_qkv, x.rows, q_cols(config));
  const Tensor k = shaped(step.workspace.k_or_z, x.rows, kv_cols);
  const Tensor v = shaped(step.workspace.v_or_b, x.rows, kv_cols);
  const Tensor mixed = shaped(step.workspace.mixed, x.rows, config.heads * config.head_dim);
  const Projection qkv[] = {{q, weights.q_proj}, {k, weights.k_proj}, {v, weights.v_proj}};
  step.backend.linear(qkv, x);
  const AttentionArgs args{.q = q,
                           .k = k,
                           .v = v,
                           .q_norm = weights.q_norm,
                           .k_norm = weights.k_norm,
                           .rope = step.rope,
                           .heads = config.heads,
                           .kv_heads = config.kv_heads,
                           .head_dim = config.head_dim,
                           .rotary_dim = config.rotary_dim,
                           .gated = config.attention_gate,
                           .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim))),
                           .eps = config.eps,
                           .layer = index};
  step.backend.attention(mixed, args, step.sequences);
  const Projection output[] = {{out, weights.o_proj}};
  step.backend.linear(output, mixed);
}

}  // namespace moebius
