// One layer of a pre-norm decoder: a mixer (GatedDeltaNet or full attention), then an MLP, each behind a norm and added
// to the residual. A layer knows which of the caches of its kind is its own and nothing of the layers around it, so
// that it can also stand alone, outside the stack (a draft head is one such layer). The stack: decoder.h.
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

// path: "model.layers.3". mixer_index is left to the caller.
void bind_layer(WeightBinder& binder, DecoderLayer& layer, const std::string& path, const DecoderLayerKinds& kinds,
                const ModelConfig& config);

// The residual [T, D] of the workspace goes through the layer: both blocks add to it.
void run_layer(const StepContext& step, const DecoderLayer& layer, ExpertPath path);

}  // namespace moebius::internal
