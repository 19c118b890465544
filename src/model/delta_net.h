// The GatedDeltaNet block between two norms: input projections, convolution and recurrence, output projection;
// and the recurrence alone, again.
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

// path: "model.layers.0.linear_attn". The input projections may be flat, as above, or interleaved by key heads
// (qwen3_next is published so): the tensors that are there decide, layer by layer.
void bind_delta_net(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path, const ModelConfig& config);

// out [T, D] from x [T, D]; index: among the delta layers of the state.
void delta_net_block(const StepContext& step, const Output& out, const Input& x, const DeltaNetWeights& weights,
                     int64_t index);

// The states of the batch take in what its logs hold.
void replay_delta_net(const StepContext& step, const DeltaNetWeights& weights, int64_t index);

}  // namespace moebius::internal
