// The operations of the reference backend. Each family has a file: matmul.cpp, norm.cpp, rows.cpp, attention.cpp,
// delta_net.cpp, router.cpp, experts.cpp, rollback.cpp.
#pragma once

#include "backend/operations.h"
#include "backend/probes.h"
#include "backend/reference/memory.h"
#include "backend/reference/weights.h"
#include "backend/staged_batch.h"

namespace moebius::internal::reference {

class ReferenceOperations final : public Operations {
 public:
  ReferenceOperations(ReferenceMemory& memory, ReferenceWeights& weights) : memory_(memory), weights_(weights) {}

  void reserve(const StepLimits& limits) override;
  Batch stage(const BatchSpec& spec) override { return batch_.stage(spec); }

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
  void wait() override {}  // every operation is done when it returns

  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  // Checks the shape and dtype of a tensor of a step. It may not have more rows than reserve() promised.
  void check_shape(const Tensor& x, int64_t rows, int64_t cols, DType dtype = DType::kF32) const;
  // The rows [T, cols] of an input, normed if it has a norm.
  [[nodiscard]] std::vector<float> rows_of(const Input& x) const;
  void check_delta_net(const DeltaNetArgs& args) const;

  ReferenceMemory& memory_;
  ReferenceWeights& weights_;
  int64_t max_rows_ = 0;  // 0: nothing is reserved yet
  StagedBatch batch_;
  Traffic traffic_;
};

}  // namespace moebius::internal::reference
