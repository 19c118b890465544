// A backend that forwards every call to another backend and measures the operations. It adds up, for each kind of
// operation, the time and the bytes moved; `moebius bench --ops` shows these totals. It waits for the end of each
// operation, which makes a device slower.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"

namespace moebius::internal {

struct OpTotals {
  std::string op;  // "linear self_attn.q_proj", "experts"; one entry adds up all layers
  int64_t calls = 0;
  double seconds = 0;
  Traffic traffic;
};

// Forwards uploads, and keeps the names of matrices.
class NamedWeights final : public WeightLoader {
 public:
  explicit NamedWeights(WeightLoader& loader) : loader_(loader) {}

  Matrix upload_matrix(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload_experts(const ExpertsSpec& spec) override { return loader_.upload_experts(spec); }
  Convolution upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) override {
    return loader_.upload_convolution(spec, taps);
  }
  Tensor upload_table(std::span<const float> values, int64_t rows, int64_t cols) override {
    return loader_.upload_table(values, rows, cols);
  }
  [[nodiscard]] int64_t packed_bytes() const override { return loader_.packed_bytes(); }

  // The name without the layer: "model.layers.3.self_attn.q_proj" becomes "self_attn.q_proj".
  [[nodiscard]] const std::string& name(Matrix matrix) const { return names_.at(matrix.id); }

 private:
  WeightLoader& loader_;
  std::unordered_map<int32_t, std::string> names_;
};

class MeteredOperations final : public Operations {
 public:
  MeteredOperations(Backend& backend, const NamedWeights& weights)
      : operations_(backend.operations()), probes_(backend.probes()), weights_(weights) {}

  // Returns the totals since the last call, in the order in which the kinds first ran, and clears them.
  std::vector<OpTotals> drain_totals();

  void reserve(const StepLimits& limits) override { operations_.reserve(limits); }
  Batch stage(const BatchSpec& spec) override { return operations_.stage(spec); }
  void embed(Tensor out, Batch batch, Matrix table) override;
  void rms_norm(Tensor out, Tensor x, const Norm& norm) override;
  void linear(std::span<const Projection> projections, const Input& x) override;
  void attention(const MixedRows& out, const AttentionArgs& args, Batch batch) override;
  void delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) override;
  void replay_delta_net(const DeltaNetArgs& args, Batch batch) override;
  void router(Routing out, const Input& x, const RouterArgs& args) override;
  void experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) override;
  void expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) override;
  void combine(const Output& out, Tensor slots, Routing routing) override;
  void gather_logit_rows(Tensor out, Tensor x, Batch batch) override;
  void concat(Tensor out, const Input& a, const Input& b) override;
  void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
              std::span<SequenceDraws> draws) override;
  void keep(Batch batch, Tensor kept) override;
  void wait() override { operations_.wait(); }

 private:
  template <typename Run>
  void measure(const std::string& op, const Run& run);

  Operations& operations_;
  Probes& probes_;
  const NamedWeights& weights_;
  std::vector<OpTotals> totals_;
};

class OpMeter final : public Backend {
 public:
  explicit OpMeter(std::unique_ptr<Backend> backend)
      : backend_(std::move(backend)), weights_(backend_->weights()), operations_(*backend_, weights_) {}

  WeightLoader& weights() override { return weights_; }
  Memory& memory() override { return backend_->memory(); }
  MeteredOperations& operations() override { return operations_; }
  Probes& probes() override { return backend_->probes(); }

 private:
  std::unique_ptr<Backend> backend_;
  NamedWeights weights_;
  MeteredOperations operations_;
};

}  // namespace moebius::internal
