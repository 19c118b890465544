// For tests: parts of a backend that refuse every call. A fake derives from them and overrides the calls that it
// supports.
#pragma once

#include "backend/backend.h"
#include "base/check.h"

namespace moebius::internal::testing {

[[noreturn]] inline void refuse() { check_failed("a fake backend does not have this", __FILE__, __LINE__); }

class RefusingWeights : public WeightLoader {
 public:
  Matrix upload_matrix(const MatrixSpec&, const RowSource&) override { refuse(); }
  Experts upload_experts(const ExpertsSpec&) override { refuse(); }
  Convolution upload_convolution(const ConvolutionSpec&, std::span<const float>) override { refuse(); }
  Tensor upload_table(std::span<const float>, int64_t, int64_t) override { refuse(); }
  [[nodiscard]] int64_t packed_bytes() const override { return 0; }
};

class RefusingMemory : public Memory {
 public:
  Tensor allocate(DType, int64_t, int64_t) override { refuse(); }
  void free(Tensor) override { refuse(); }
  void write(Tensor, const void*) override { refuse(); }
  void read(void*, Tensor) override { refuse(); }
  void copy(Tensor, Tensor) override { refuse(); }
  QuantizedRows allocate_quantized(int64_t, int64_t) override { refuse(); }
  Routing allocate_routing(int64_t, int64_t) override { refuse(); }
  State create_state(const StateSpec&) override { refuse(); }
  void reset_state(State) override { refuse(); }
  void copy_recurrent(State, State) override { refuse(); }
  void free_state(State) override { refuse(); }
  KvPage create_page(const StateSpec&) override { refuse(); }
  void copy_page(KvPage, KvPage) override { refuse(); }
  void free_page(KvPage) override { refuse(); }
  void set_pages(State, std::span<const KvPage>) override { refuse(); }
  DeltaLog create_log(const StateSpec&, int64_t) override { refuse(); }
  void free_log(DeltaLog) override { refuse(); }
};

class RefusingOperations : public Operations {
 public:
  void reserve(const StepLimits&) override { refuse(); }
  Batch stage(const BatchSpec&) override { refuse(); }
  void embed(Tensor, Batch, Matrix) override { refuse(); }
  void rms_norm(Tensor, Tensor, const Norm&) override { refuse(); }
  void linear(std::span<const Projection>, const Input&) override { refuse(); }
  void attention(const MixedRows&, const AttentionArgs&, Batch) override { refuse(); }
  void delta_net(const MixedRows&, const DeltaNetArgs&, Batch) override { refuse(); }
  void replay_delta_net(const DeltaNetArgs&, Batch) override { refuse(); }
  void router(Routing, const Input&, const RouterArgs&) override { refuse(); }
  void experts(const Output&, const Input&, Routing, Experts, ExpertPath) override { refuse(); }
  void expert_slots(Tensor, const Input&, Routing, Experts, ExpertRange) override { refuse(); }
  void combine(const Output&, Tensor, Routing) override { refuse(); }
  void gather_logit_rows(Tensor, Tensor, Batch) override { refuse(); }
  void concat(Tensor, const Input&, const Input&) override { refuse(); }
  void sample(Tensor, Tensor, Batch, std::span<const SequenceSampling>, std::span<SequenceDraws>) override { refuse(); }
  void keep(Batch, Tensor) override { refuse(); }
  void wait() override { refuse(); }
};

class RefusingProbes : public Probes {
 public:
  [[nodiscard]] Traffic traffic() const override { return {}; }
  double measure_int8_macs() override { return 0; }
  void repeat_context(State, int64_t, int64_t) override { refuse(); }
  void write_routing(Routing, std::span<const int32_t>, std::span<const float>) override { refuse(); }
  void read_routing(std::span<int32_t>, std::span<float>, Routing) override { refuse(); }
};

}  // namespace moebius::internal::testing
