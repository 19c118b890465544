// The MLP of a layer, routed or dense. A routed MLP has a router, experts and perhaps a shared expert. A dense MLP is a
// table of one expert that every token takes with weight 1. The passes that fuse gate and up of experts therefore fuse
// gate and up of a dense MLP too.
#pragma once

#include <string>

#include "model/weights.h"
#include "model/workspace.h"

namespace moebius::internal {

struct MlpWeights {
  Matrix router;       // [E, D]; id -1 in a dense MLP
  Matrix shared_gate;  // [1, D]; id -1 without a shared expert
  Experts experts;
};

// path: "model.layers.0.mlp". kind: from config.json. Throws kBadTensor when the tensors are of the other kind.
void bind_mlp(WeightBinder& binder, MlpWeights& weights, const std::string& path, MlpKind kind,
              const ModelConfig& config);

// Computes out [T, D] from x [T, D].
void mlp_block(const StepContext& step, const Output& out, const Input& x, const MlpWeights& weights, ExpertPath path);

}  // namespace moebius::internal
