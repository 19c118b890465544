// A loaded model: its config, its weights on a backend, and one forward pass over coarse operations.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "checkpoint/model_dir.h"
#include "model/config.h"
#include "model/delta_log.h"

namespace moebius {

struct LoadProgress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};

// Most rows of logits of one step: at V = 248320 each is 1 MB.
inline constexpr int64_t kMaxLogitRows = 64;

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

// A step: the tokens of all rows, whose sequences they continue, and which rows want logits.
struct Step {
  std::span<const int32_t> tokens;          // [T]
  std::span<const SequenceRows> sequences;  // cover [0, T) without gaps, in order
  std::span<const int32_t> logit_rows;      // rows of the batch, ascending, at most kMaxLogitRows; may be empty
  std::span<const LoggedRows> logged = {};  // what the delta layers take in of these rows is kept
};

// A step of the draft head: behind each hidden state the token that follows it; what comes out are logits of the token
// after that. Sequences: positions in the head's own caches.
struct MtpStep {
  Tensor hidden;                            // [T, D], as last_hidden() gave it
  std::span<const int32_t> tokens;          // [T]
  std::span<const SequenceRows> sequences;  // cover [0, T) without gaps, in order
  std::span<const int32_t> logit_rows;      // as in Step
};

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const ModelConfig& config() const = 0;
  [[nodiscard]] virtual const ModelOptions& options() const = 0;
  [[nodiscard]] virtual StateSpec state_spec() const = 0;

  // Logits f32 [logit_rows, V] on the backend, valid until the next call.
  virtual Tensor forward(const Step& step, const LayerObserver& observer = nullptr) = 0;
  // Hidden states [rows, D] of the first rows of the last forward(), behind the final norm; after forward_mtp() the
  // head's own, which a further step of the head continues from.
  [[nodiscard]] virtual Tensor last_hidden(int64_t rows) const = 0;
  // Logits as forward(); the model was loaded with a draft head (ModelOptions::mtp).
  virtual Tensor forward_mtp(const MtpStep& step) = 0;
  // The MLP of one layer alone (router, experts, shared expert; or dense) on x [T, D]; for the bench.
  virtual Tensor moe_layer(int64_t layer, Tensor x) = 0;

  // A log of at most `capacity` tokens. For models without delta layers it is empty and costs nothing.
  virtual DeltaLog create_log(int64_t capacity) = 0;
  virtual void free_log(const DeltaLog& log) = 0;
  [[nodiscard]] virtual int64_t log_bytes(int64_t capacity) const = 0;
  // Brings the state, which stands right before them, over rows [first, first + rows) of the log: bit for bit as the
  // steps did. Attention and the draft head have nothing to replay. Logits and hidden states of the last step stay.
  virtual void replay(State state, const DeltaLog& log, int64_t first, int64_t rows) = 0;

  // Which of the three expert paths the next steps take.
  virtual void set_expert_path(ExpertPath path) = 0;
};

// Reads config.json's model_type, checks every tensor, uploads in one streaming pass. The backend outlives the model.
// Throws kUnsupported for other families, kMissingTensor, kUnknownTensor, kBadTensor, kBadConfig.
std::unique_ptr<Model> load_model(const ModelDir& directory, Backend& backend, const ModelOptions& options);

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
MemoryPlan plan_memory(const ModelDir& directory, const ModelConfig& config, const ModelOptions& options);

}  // namespace moebius
