// The full-attention block of a layer, behind its input norm: q, k, v projections, attention, output projection.
#pragma once

#include <string>

#include "model/weights.h"
#include "model/workspace.h"

namespace moebius::internal {

struct AttentionWeights {
  Matrix q_proj;          // [H * head_dim, D], or [H * 2 * head_dim, D] gated: per head, query rows then gate rows
  Matrix k_proj, v_proj;  // [K * head_dim, D]
  Matrix o_proj;          // [D, H * head_dim]
  Tensor q_norm, k_norm;  // [1, head_dim]
};

// path: "model.layers.3.self_attn".
void bind_attention(WeightBinder& binder, AttentionWeights& weights, const std::string& path,
                    const ModelConfig& config);

// Computes out [T, D] from x [T, D]. index: of the layer, among the attention layers of the state.
void attention_block(const StepContext& step, const Output& out, const Input& x, const AttentionWeights& weights,
                     int64_t index);

}  // namespace moebius::internal
