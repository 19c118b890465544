// See mtp.h.
#include "model/mtp.h"

#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr const char* kLayer = "mtp.layers.0";

MlpKind mlp_kind(const WeightBinder& binder, const ModelConfig& config) {
  const std::string router = std::string(kLayer) + ".mlp.gate.weight";
  const MlpKind kind = binder.has(router) ? MlpKind::kMoe : MlpKind::kDense;
  if (config.count(kind) > 0) return kind;
  throw Error(ErrorCode::kUnsupported, std::string(kLayer) + ".mlp",
              kind == MlpKind::kMoe ? "the draft head has routed experts and the model has none"
                                    : "the draft head has a dense MLP and the model has none");
}

}  // namespace

void bind_mtp(WeightBinder& binder, MtpHead& head, const ModelConfig& config) {
  binder.matrix(head.fc, "mtp.fc", {config.dim, 2 * config.dim});
  binder.norm(head.embedding_norm, "mtp.pre_fc_norm_embedding.weight", config.dim);
  binder.norm(head.hidden_norm, "mtp.pre_fc_norm_hidden.weight", config.dim);
  bind_layer(binder, head.layer, kLayer, {LayerKind::kFullAttention, mlp_kind(binder, config)}, config);
  head.layer.mixer_index = config.count(LayerKind::kFullAttention);  // its cache is behind those of the model's layers
  binder.norm(head.norm, "mtp.norm.weight", config.dim);
}

}  // namespace moebius::internal
