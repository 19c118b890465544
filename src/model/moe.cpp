// The mixture-of-experts block (N9 is the backend's).
#include "model/moe.h"

namespace moebius {

void bind_moe(WeightBinder& binder, MoeWeights& weights, const std::string& path, const ModelConfig& config) {
  // f32 activations: a rounded logit changes which experts run.
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

void moe_block(const StepContext& step, Tensor out, Tensor x, const MoeWeights& weights, ExpertPath path) {
  const Routing routing{step.workspace.routing.ids.first(x.rows), step.workspace.routing.weights.first(x.rows)};
  const RouterArgs args{.router = weights.router,
                        .shared_gate = weights.shared_gate,
                        .experts = step.config.experts,
                        .top_k = step.config.top_k,
                        .renormalize = step.config.renormalize};
  step.backend.router(routing, x, args);
  step.backend.experts(out, x, routing, weights.experts, path);
}

}  // namespace moebius
