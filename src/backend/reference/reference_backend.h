// The class behind make_reference_backend(), with its parts and its probes. Private to this folder.
#pragma once

#include "backend/backend.h"
#include "backend/reference/memory.h"
#include "backend/reference/operations.h"
#include "backend/reference/weights.h"

namespace moebius::internal::reference {

class ReferenceProbes final : public Probes {
 public:
  ReferenceProbes(ReferenceMemory& memory, const ReferenceOperations& operations)
      : memory_(memory), operations_(operations) {}

  [[nodiscard]] Traffic traffic() const override { return operations_.traffic(); }
  double measure_int8_macs() override { return 0; }  // there are only plain loops
  void repeat_context(State state, int64_t seen, int64_t positions) override {
    memory_.state(state).repeat(seen, positions);
  }
  void write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) override;
  void read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) override;

 private:
  ReferenceMemory& memory_;
  const ReferenceOperations& operations_;
};

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(ActivationKind quantized_activations)
      : weights_(memory_, quantized_activations), operations_(memory_, weights_), probes_(memory_, operations_) {}

  WeightLoader& weights() override { return weights_; }
  Memory& memory() override { return memory_; }
  Operations& operations() override { return operations_; }
  Probes& probes() override { return probes_; }

 private:
  ReferenceMemory memory_;
  ReferenceWeights weights_;
  ReferenceOperations operations_;
  ReferenceProbes probes_;
};

}  // namespace moebius::internal::reference
