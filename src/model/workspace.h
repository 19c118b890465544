// The activations of one step, allocated once for the largest step. Attention and GatedDeltaNet use the same projection
// buffers, because no two mixers run at once. Weights and sequence state are elsewhere.
#pragma once

#include "backend/backend.h"
#include "model/config.h"
#include "model/model.h"

namespace moebius::internal {

// R: most rows of a step; N: most rows of logits.
struct Workspace {
  Tensor residual;  // [R, D]
  Tensor hidden;    // [R, D], behind the final norm; only with a draft head
  Tensor q_or_qkv;  // the projections of a mixer: take them with shaped()
  Tensor k_or_z;
  Tensor v_or_b;
  Tensor a;
  MixedRows mixed;    // [R, H * head_dim] or [R, Hv * Dv]
  Routing routing;    // only in a model with routers
  Tensor mtp_hidden;  // [R, D], the hidden states that the draft head continues from; only with a draft head
  Tensor mtp_in;      // [R, 2D], the embedding, then the hidden state; only with a draft head
  Tensor head_in;     // [N, D]
  Tensor logits;      // [N, V]
};

Workspace allocate_workspace(Memory& memory, const ModelConfig& config, const ModelOptions& options);
uint64_t workspace_bytes(const ModelConfig& config, const ModelOptions& options);

// Everything that a block needs besides its weights. It is made once per step.
struct StepContext {
  Operations& ops;
  const ModelConfig& config;
  const Workspace& workspace;
  Tensor rope;  // [context, rotary_dim]
  Batch batch;

  // The first batch.rows rows of a buffer, as rows of `cols` columns.
  [[nodiscard]] Tensor rows_of(const Tensor& buffer, int64_t cols) const { return buffer.shaped(batch.rows, cols); }
  [[nodiscard]] MixedRows mixed(int64_t cols) const {
    return {rows_of(workspace.mixed.x, cols), workspace.mixed.quantized};
  }
};

}  // namespace moebius::internal
