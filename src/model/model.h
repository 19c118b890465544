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
  int64_t context = 4096;  // most positions of a sequence; the model's max_positions is the bound
  int64_t max_rows = 512;  // most tokens of one step
  int64_t draft_rows = 0;  // most rows of a step that can be taken back; at most kMaxLogitRows
  std::string mtp = {};    // the draft head: empty: not loaded; kBundledMtp: the checkpoint's own; else a directory
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
  // The caches of one sequence, with pages of its own for the whole context.
  [[nodiscard]] virtual StateSpec state_spec() const = 0;

  // Of a batch that the backend has staged: enqueues the step. Logits f32 [batch.logit_rows, V] on the backend, valid
  // until the next step.
  virtual Tensor forward(Batch batch, const LayerObserver& observer = nullptr) = 0;
  // Hidden states [rows, D] of the first rows of the last forward(), behind the final norm; after forward_mtp() the
  // head's own, which a further step of the head continues from. Only of a model with a draft head.
  [[nodiscard]] virtual Tensor last_hidden(int64_t rows) const = 0;
  // A step of the draft head: the batch has, behind each hidden state, the token that follows it; logits are of the
  // token after that. hidden: pieces [n, D] that follow each other, together [batch.rows, D], from last_hidden() or a
  // copy of it. Positions are those of the head's own caches. The model was loaded with a draft head.
  virtual Tensor forward_mtp(Batch batch, std::span<const Tensor> hidden) = 0;
  // The MLP of one layer alone (router, experts, shared expert; or dense) on x [T, D]; for the bench.
  virtual Tensor mlp_layer(int64_t layer, Tensor x) = 0;

  // Brings the state, which stands right before them, over rows [first, first + rows) of the log: bit for bit as the
  // steps did. Attention and the draft head have nothing to replay. Logits and hidden states of the last step stay; the
  // batch that was staged does not.
  virtual void replay(State state, DeltaLog log, int64_t first, int64_t rows) = 0;

  // Which of the three expert paths the next steps take.
  virtual void set_expert_path(ExpertPath path) = 0;
};

// Checks every tensor and uploads in one streaming pass. The backend outlives the model. Throws kMissingTensor,
// kUnknownTensor, kBadTensor.
std::unique_ptr<Model> load_model(const Checkpoint& checkpoint, Backend& backend, const ModelOptions& options);

// What loading will need, from headers and config alone.
struct MemoryPlan {
  uint64_t weight_bytes = 0;  // language-model tensors in the files
  uint64_t kv_bytes = 0;      // at options.context, in whole pages
  uint64_t recurrent_bytes = 0;
  uint64_t workspace_bytes = 0;  // activations and scratch, an estimate
  [[nodiscard]] uint64_t total() const { return weight_bytes + kv_bytes + recurrent_bytes + workspace_bytes; }
};
// The options that a model of this config runs with: context within max_positions. Throws kUsage for what cannot be.
ModelOptions effective_options(const ModelConfig& config, const ModelOptions& options);
// The caches of one sequence.
StateSpec make_state_spec(const ModelConfig& config, const ModelOptions& options);
MemoryPlan plan_memory(const Checkpoint& checkpoint, const ModelOptions& options);

}  // namespace moebius::internal
