// One layer of a pre-norm decoder: a mixer (GatedDeltaNet or full attention), then an MLP. Each of them is behind a
// norm and is added to the residual. A layer knows which of the caches of its kind is its own, and knows nothing about
// the layers around it. It can therefore stand alone outside the stack, as in a draft head. The stack is in decoder.h.
#pragma once

#include <string>
#include <variant>

#include "model/attention.h"
#include "model/delta_net.h"
#include "model/mlp.h"

namespace moebius::internal {

struct DecoderLayer {
  Tensor input_norm, post_norm;  // [1, D]
  std::variant<DeltaNetWeights, AttentionWeights> mixer;
  int64_t mixer_index = 0;  // among the layers of its kind, as the state counts them
  MlpWeights mlp;
};

struct DecoderLayerKinds {
  LayerKind mixer;
  MlpKind mlp;
};

// path: "model.layers.3". The caller sets layer.mixer_index.
void bind_layer(WeightBinder& binder, DecoderLayer& layer, const std::string& path, const DecoderLayerKinds& kinds,
                const ModelConfig& config);

// Runs the layer on the residual [T, D] of the workspace. The mixer and the MLP add their results to it.
void run_layer(const StepContext& step, const DecoderLayer& layer, ExpertPath path);

}  // namespace moebius::internal
