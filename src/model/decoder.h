// The forward pass of every family: a stack of pre-norm layers (mixer, then MLP) between the embedding and the head.
// Families differ only in their configs (config.h, the family files) and in the tensors of their checkpoints.
#pragma once

#include <optional>
#include <vector>

#include "model/decoder_layer.h"
#include "model/model.h"
#include "model/mtp.h"
#include "model/workspace.h"

namespace moebius::internal {

class Decoder : public Model {
 public:
  Decoder(const Checkpoint& checkpoint, Backend& backend, const ModelOptions& options);

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] const ModelOptions& options() const override { return options_; }
  [[nodiscard]] StateSpec state_spec() const override { return make_state_spec(config_, options_); }

  Tensor forward(Batch batch, const LayerObserver& observer) override;
  [[nodiscard]] Tensor last_hidden(int64_t rows) const override { return workspace_.hidden.first(rows); }
  Tensor forward_mtp(Batch batch, std::span<const Tensor> hidden) override;
  Tensor mlp_layer(int64_t layer, Tensor x) override;
  void replay(State state, DeltaLog log, int64_t first, int64_t rows) override;
  void set_expert_path(ExpertPath path) override { options_.experts = path; }

 private:
  void bind(WeightBinder& binder);
  void load_mtp(const ModelDir& directory, WeightLoader& loader);
  void reserve();
  [[nodiscard]] StepContext context(Batch batch) const;
  [[nodiscard]] StepShape shape_of(Batch batch, StepShape::Program program) const;
  // Enqueues a step of the stack, from the embedding to the logits.
  void enqueue_layers(const StepContext& step, const LayerObserver& observer) const;
  // Enqueues a step of the draft head, from the embedding to the logits.
  void enqueue_mtp(const StepContext& step) const;
  // Enqueues lm_head on the rows whose logits are wanted. rows [T, D]; rows.norm, if any, norms the input of lm_head.
  void enqueue_logits(const StepContext& step, const Input& rows) const;

  ModelConfig config_;
  ModelOptions options_;
  Memory& memory_;
  Operations& ops_;
  Matrix embedding_, lm_head_;  // [V, D]; the same matrix when tied
  Tensor final_norm_;           // [1, D]
  std::vector<DecoderLayer> layers_;
  std::optional<MtpHead> mtp_;
  Tensor rope_;  // [context, rotary_dim]
  Workspace workspace_;
};

}  // namespace moebius::internal
