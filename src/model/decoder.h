// The forward pass of every family: a stack of pre-norm layers (mixer, then MLP) between the embedding and the head.
// What differs between families is in their configs (config.h, the family files) and in the tensors that are there.
#pragma once

#include <optional>
#include <vector>

#include "model/decoder_layer.h"
#include "model/model.h"
#include "model/mtp.h"
#include "model/workspace.h"

namespace moebius {

class Decoder : public Model {
 public:
  Decoder(const ModelDir& directory, Backend& backend, const ModelConfig& config, const ModelOptions& options);

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] const ModelOptions& options() const override { return options_; }
  [[nodiscard]] StateSpec state_spec() const override { return make_state_spec(config_, options_); }

  Tensor forward(const Step& step, const LayerObserver& observer) override;
  [[nodiscard]] Tensor last_hidden(int64_t rows) const override { return workspace_.hidden.first(rows); }
  Tensor forward_mtp(const MtpStep& step) override;
  Tensor moe_layer(int64_t layer, Tensor x) override;
  DeltaLog create_log(int64_t capacity) override { return create_delta_log(backend_, config_, capacity); }
  void free_log(const DeltaLog& log) override { free_delta_log(backend_, log); }
  [[nodiscard]] int64_t log_bytes(int64_t capacity) const override { return delta_log_bytes(config_, capacity); }
  void replay(State state, const DeltaLog& log, int64_t first, int64_t rows) override;
  void set_expert_path(ExpertPath path) override { options_.experts = path; }

 private:
  void bind(WeightBinder& binder);
  void load_mtp(const ModelDir& directory);
  void check(const Step& step) const;
  [[nodiscard]] StepContext context(int64_t rows, std::span<const SequenceRows> sequences,
                                    std::span<const LoggedRows> logged = {}) const;
  void run_layers(const StepContext& step, const LayerObserver& observer) const;
  Tensor run_head(std::span<const int32_t> rows, Tensor hidden);

  ModelConfig config_;
  ModelOptions options_;
  Backend& backend_;
  Matrix embedding_, lm_head_;  // [V, D]; the same matrix when tied
  Tensor final_norm_;           // [1, D]
  std::vector<DecoderLayer> layers_;
  std::optional<MtpHead> mtp_;
  Tensor rope_;  // [context, rotary_dim]
  Workspace workspace_;
};

}  // namespace moebius
