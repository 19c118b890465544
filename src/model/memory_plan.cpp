// Computes the memory that a model will take before any weight is read, so that a machine that is too small fails at
// once.
#include <fmt/format.h>

#include <algorithm>

#include "model/model.h"
#include "model/workspace.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

enum class DraftHead : uint8_t { kLeftOut, kLoaded };

// The bytes of the tensors in `directory`, without a draft head that is left out and without an lm_head beside a tied
// embedding.
uint64_t loaded_bytes(const ModelDir& directory, const ModelConfig& config, DraftHead head) {
  uint64_t bytes = 0;
  for (const auto& [name, entry] : directory.tensors()) {
    const bool unwanted = (name.starts_with("mtp.") && head == DraftHead::kLeftOut) ||
                          (name.starts_with("lm_head.") && config.tied_embeddings);
    if (!unwanted) bytes += entry.info.bytes;
  }
  return bytes;
}

// An estimate of what a backend reserves for a step: the expert rows (hidden and output) of all slots, and sums and
// copies of the activations.
int64_t scratch_bytes(const ModelConfig& config, int64_t max_rows) {
  const int64_t slots = std::max<int64_t>(config.router_shape().slots(), 1);
  const int64_t width = std::max({config.expert_width, config.shared_width, config.dense_width});
  return max_rows * (slots * (2 * width + config.dim) * 4 + 10 * config.dim);
}

}  // namespace

ModelOptions effective_options(const ModelConfig& config, const ModelOptions& options) {
  if (options.context < 1) throw Error(ErrorCode::kUsage, "context", "expected at least 1 token");
  if (options.max_rows < 1) throw Error(ErrorCode::kUsage, "max_rows", "expected at least 1 token");
  const int64_t max_draft_rows = std::min(options.max_rows, kMaxLogitRows);
  if (options.draft_rows < 0 || options.draft_rows > max_draft_rows) {
    throw Error(ErrorCode::kUsage, "draft_rows",
                fmt::format("expected 0 to {} tokens, got {}", max_draft_rows, options.draft_rows));
  }
  ModelOptions effective = options;
  effective.context = std::min(options.context, config.max_positions);
  return effective;
}

StateSpec make_state_spec(const ModelConfig& config, const ModelOptions& options) {
  return {.context = effective_options(config, options).context,
          .kv_dtype = options.kv_dtype,
          .attention_layers = config.count(LayerKind::kFullAttention) + (options.mtp.empty() ? 0 : 1),
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .delta_layers = config.count(LayerKind::kLinearAttention),
          .delta = config.delta_shape(),
          .draft_rows = options.draft_rows};
}

MemoryPlan plan_memory(const Checkpoint& checkpoint, const ModelOptions& options) {
  const ModelConfig& config = checkpoint.config;
  const StateSpec state = make_state_spec(config, options);
  MemoryPlan plan;
  const bool bundled = options.mtp == kBundledMtp;
  plan.weight_bytes = loaded_bytes(checkpoint.files, config, bundled ? DraftHead::kLoaded : DraftHead::kLeftOut);
  if (!options.mtp.empty() && !bundled) {
    plan.weight_bytes += loaded_bytes(ModelDir(options.mtp), config, DraftHead::kLoaded);
  }
  // The RoPE table counts here, because it grows with the context like keys and values.
  plan.kv_bytes = static_cast<uint64_t>(state.kv_bytes() + state.context * config.rotary_dim * 4);
  plan.recurrent_bytes = static_cast<uint64_t>(state.recurrent_bytes());
  plan.workspace_bytes =
      workspace_bytes(config, options) + static_cast<uint64_t>(scratch_bytes(config, options.max_rows));
  return plan;
}

}  // namespace moebius::internal
