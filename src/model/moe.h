// The mixture-of-experts block: router, routed experts, shared expert.
#pragma once

#include <string>

#include "model/weights.h"
#include "model/workspace.h"

namespace moebius {

struct MoeWeights {
  Matrix router;       // [E, D]
  Matrix shared_gate;  // [1, D]; id -1 without a shared expert
  Experts experts;
};

// path: "model.layers.0.mlp".
void bind_moe(WeightBinder& binder, MoeWeights& weights, const std::string& path, const ModelConfig& config);

// out [T, D] from x [T, D].
void moe_block(const StepContext& step, Tensor out, Tensor x, const MoeWeights& weights, ExpertPath path);

}  // namespace moebius
