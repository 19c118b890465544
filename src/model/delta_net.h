// The GatedDeltaNet block of a layer, behind its input norm: input projections, convolution and recurrence, output
// projection. The replay runs the convolution and the recurrence alone.
#pragma once

#include <string>

#include "model/weights.h"
#include "model/workspace.h"

namespace moebius::internal {

struct DeltaNetWeights {
  Matrix in_proj_qkv;           // [conv_dim, D]: q rows, k rows, v rows
  Matrix in_proj_z;             // [Hv * Dv, D]
  Matrix in_proj_b, in_proj_a;  // [Hv, D]
  Matrix out_proj;              // [D, Hv * Dv]
  Convolution conv;             // [conv_dim, conv_kernel]
  Tensor a_log, dt_bias;        // [1, Hv]
  Tensor norm;                  // [1, Dv], never zero-centred
};

// path: "model.layers.0.linear_attn". The input projections of a checkpoint may be flat, as in DeltaNetWeights, or
// interleaved by key heads, as in the published qwen3_next. The tensors that are present decide, layer by layer.
void bind_delta_net(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path, const ModelConfig& config);

// Computes out [T, D] from x [T, D]. index: of the layer, among the delta layers of the state.
void delta_net_block(const StepContext& step, const Output& out, const Input& x, const DeltaNetWeights& weights,
                     int64_t index);

// Advances the states of the batch by the tokens that its logs hold.
void replay_delta_net(const StepContext& step, const DeltaNetWeights& weights, int64_t index);

}  // namespace moebius::internal
