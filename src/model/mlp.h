// The MLP of a layer. With routed experts: router, experts, shared expert. Dense: a table of one expert which every
// token takes whole, so that gate and up of a dense MLP are fused as those of experts are, by the same passes.
#pragma once

#include <string>

#include "model/weights.h"
#include "model/workspace.h"

namespace moebius::internal {

struct MlpWeights {
  Matrix router;       // [E, D]; id -1: dense
  Matrix shared_gate;  // [1, D]; id -1 without a shared expert
  Experts experts;
};

// path: "model.layers.0.mlp"; kind: what config.json says. Throws kBadTensor when the tensors are of the other kind.
void bind_mlp(WeightBinder& binder, MlpWeights& weights, const std::string& path, MlpKind kind,
              const ModelConfig& config);

// out [T, D] from x [T, D].
void mlp_block(const StepContext& step, const Output& out, const Input& x, const MlpWeights& weights, ExpertPath path);

}  // namespace moebius::internal
