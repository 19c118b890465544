// A loaded model: its config, its weights on a backend, and one forward pass over coarse operations.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "moebius/limits.h"

namespace moebius::internal {

struct LoadProgress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};

inline constexpr std::string_view kBundledMtp = "bundled";

struct ModelOptions {
  int64_t context = 4096;  // most positions of a sequence, lowered to the model's max_positions
  int64_t max_rows = 512;  // most tokens of one step
  int64_t draft_rows = 0;  // most rows of a step that can be taken back; at most max_rows and kMaxLogitRows
  std::string mtp = {};    // the draft head: empty for none, kBundledMtp for the checkpoint's own, or its directory
  DType kv_dtype = DType::kF32;  // kF32 or kF16
  ExpertPath experts = ExpertPath::kFused;
  std::function<void(const LoadProgress&)> progress = nullptr;  // called from the loading thread, a few times a second
};

// Sees the residual stream [T, D] after each layer of a step (`logits --trace`, the search for a non-finite layer).
using LayerObserver = std::function<void(int64_t layer, Tensor residual)>;

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const ModelConfig& config() const = 0;
  [[nodiscard]] virtual const ModelOptions& options() const = 0;
  // The spec of a state: the caches of one sequence, with pages of its own for the whole context.
  [[nodiscard]] virtual StateSpec state_spec() const = 0;

  // Enqueues the step of a batch that the backend has staged. Returns the logits, f32 [batch.logit_rows, V] on the
  // backend. They are valid until the next step.
  virtual Tensor forward(Batch batch, const LayerObserver& observer = nullptr) = 0;
  // Returns the hidden states [rows, D] of the first rows of the last step, behind the final norm. The last step may be
  // one of the draft head: the next step of the head continues from the head's own hidden states. The model must have
  // been loaded with a draft head.
  [[nodiscard]] virtual Tensor last_hidden(int64_t rows) const = 0;
  // Enqueues a step of the draft head. Each row pairs a hidden state with a token of the batch: the token that follows
  // that hidden state. The returned logits are for the token after it. hidden: consecutive pieces [n, D] of together
  // [batch.rows, D], each from last_hidden() or a copy of it. Positions count in the head's own caches. The model must
  // have been loaded with a draft head.
  virtual Tensor forward_mtp(Batch batch, std::span<const Tensor> hidden) = 0;
  // Runs the MLP of one layer alone (router, experts and shared expert, or dense) on x [T, D]. The bench uses it.
  virtual Tensor mlp_layer(int64_t layer, Tensor x) = 0;

  // Advances the state over rows [first, first + rows) of the log, with the same bits as the steps that wrote the log.
  // The state must stand right before these rows. Attention and the draft head have nothing to replay. Logits and
  // hidden states of the last step remain valid. The staged batch does not.
  virtual void replay(State state, DeltaLog log, int64_t first, int64_t rows) = 0;

  // Sets which of the three expert paths the next steps take.
  virtual void set_expert_path(ExpertPath path) = 0;
};

// Checks every tensor, then uploads all of them in one streaming pass. The backend must outlive the model. Throws
// kMissingTensor, kUnknownTensor, kBadTensor, kUnsupported.
std::unique_ptr<Model> load_model(const Checkpoint& checkpoint, Backend& backend, const ModelOptions& options);

// The memory that loading will need, computed from headers and config alone.
struct MemoryPlan {
  uint64_t weight_bytes = 0;  // language-model tensors in the files
  uint64_t kv_bytes = 0;      // at options.context, in whole pages
  uint64_t recurrent_bytes = 0;
  uint64_t workspace_bytes = 0;  // activations and scratch, an estimate
  [[nodiscard]] uint64_t total() const { return weight_bytes + kv_bytes + recurrent_bytes + workspace_bytes; }
};
// Returns the options that a model of this config runs with: the context is lowered to max_positions. Throws kUsage for
// impossible values.
ModelOptions effective_options(const ModelConfig& config, const ModelOptions& options);
// The spec of a state: the caches of one sequence, the draft head's included.
StateSpec make_state_spec(const ModelConfig& config, const ModelOptions& options);
MemoryPlan plan_memory(const Checkpoint& checkpoint, const ModelOptions& options);

}  // namespace moebius::internal
