// The MLP of a layer. The backend implements N9.
#include "model/mlp.h"

#include <string_view>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

// Throws when the tensors are of the other kind. Without this check, the layer would seem to lack tensors, while the
// likelier mistake is in config.json.
void check_kind(const WeightBinder& binder, const std::string& path, MlpKind kind) {
  const bool routed = binder.has(path + ".gate.weight");
  const bool dense = binder.has(path + ".gate_proj.weight");
  if (routed == dense || routed == (kind == MlpKind::kMoe)) return;
  throw Error(
      ErrorCode::kBadTensor, binder.where(path + (routed ? ".gate.weight" : ".gate_proj.weight")),
      routed ? "is a router, where config.json has a dense MLP" : "is dense, where config.json has routed experts",
      "compare model_type, mlp_only_layers and decoder_sparse_step of config.json with the checkpoint");
}

void bind_routed(WeightBinder& binder, MlpWeights& weights, const std::string& path, const ModelConfig& config) {
  // The router takes f32 activations, because a rounding error in its logits can change which experts run.
  binder.matrix(weights.router, path + ".gate", {config.experts, config.dim}, ActivationKind::kF32);
  if (config.shared_width > 0) {
    binder.matrix(weights.shared_gate, path + ".shared_expert_gate", {1, config.dim}, ActivationKind::kF32);
  }
  binder.experts(weights.experts, path,
                 {.dim = config.dim,
                  .experts = config.experts,
                  .width = config.expert_width,
                  .shared_width = config.shared_width});
}

}  // namespace

void bind_mlp(WeightBinder& binder, MlpWeights& weights, const std::string& path, MlpKind kind,
              const ModelConfig& config) {
  check_kind(binder, path, kind);
  if (kind == MlpKind::kMoe) {
    bind_routed(binder, weights, path, config);
  } else {
    binder.dense_mlp(weights.experts, path, {config.dense_width, config.dim});
  }
}

void mlp_block(const StepContext& step, const Output& out, const Input& x, const MlpWeights& weights, ExpertPath path) {
  const bool is_dense = weights.router.id < 0;
  const Routing routing = is_dense ? Routing{} : step.workspace.routing;
  if (!is_dense) {
    step.ops.router(routing, x,
                    {.shape = step.config.router_shape(),
                     .router = weights.router,
                     .shared_gate = weights.shared_gate,
                     .renormalize = step.config.renormalize});
  }
  step.ops.experts(out, x, routing, weights.experts, path);
}

}  // namespace moebius::internal
