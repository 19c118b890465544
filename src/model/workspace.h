// The activations of one step, allocated once for the largest step. Attention and GatedDeltaNet take turns with the
// same projection buffers, because no two mixers run at once. Weights and sequence state are elsewhere.
#pragma once

#include "backend/backend.h"
#include "model/config.h"
#include "model/model.h"

namespace moebius {

// R: most rows of a step; N: most rows of logits.
struct Workspace {
  Tensor ids;        // i32 [R, 1]
  Tensor residual;   // [R, D]
  Tensor normed;     // [R, D]
  Tensor block_out;  // [R, D], of the last mixer or MLP
  Tensor hidden;     // [R, D], behind the final norm
  Tensor q_or_qkv;   // the projections of a mixer: take them with shaped()
  Tensor k_or_z;
  Tensor v_or_b;
  Tensor a;
  Tensor mixed;           // [R, H * head_dim] or [R, Hv * Dv]
  Routing routing;        // [R, slots], of layers with a router
  Routing dense_routing;  // [R, 1], of layers without: id 0 and weight 1 in every row
  Tensor mtp_in;          // [R, 2D], with a draft head: embedding, then hidden state
  Tensor logit_ids;       // i32 [N, 1]
  Tensor head_in;         // [N, D]
  Tensor logits;          // [N, V]
};

Workspace allocate_workspace(Backend& backend, const ModelConfig& config, const ModelOptions& options);
uint64_t workspace_bytes(const ModelConfig& config, const ModelOptions& options);

// The buffer as [rows, cols]; it holds at least that much.
Tensor shaped(Tensor buffer, int64_t rows, int64_t cols);

// What a block needs beside its weights: made once a step.
struct StepContext {
  Backend& backend;
  const ModelConfig& config;
  const Workspace& workspace;
  Tensor rope;       // [context, rotary_dim]
  int64_t rows = 0;  // T
  std::span<const SequenceRows> sequences;
  std::span<const LoggedRows> logged = {};  // of the delta layers
};

}  // namespace moebius
