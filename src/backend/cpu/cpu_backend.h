// The CPU backend, assembled from its parts: threads and kernels (workers.h), weights, memory, operations, probes.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/operations.h"
#include "backend/cpu/weights.h"
#include "backend/cpu/workers.h"

namespace moebius::internal::cpu {

class CpuProbes final : public Probes {
 public:
  CpuProbes(Workers& workers, CpuMemory& memory, const CpuOperations& operations)
      : workers_(workers), memory_(memory), operations_(operations) {}

  [[nodiscard]] Traffic traffic() const override { return operations_.traffic(); }
  double measure_int8_macs() override;
  void repeat_context(State state, int64_t seen, int64_t positions) override {
    cpu::repeat_context(memory_.state(state), seen, positions);
  }
  void write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) override;
  void read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) override;

 private:
  Workers& workers_;
  CpuMemory& memory_;
  const CpuOperations& operations_;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(const KernelTable& kernels, const CpuOptions& options)
      : workers_(kernels, options.threads),
        memory_(workers_),
        weights_(workers_, memory_, options.store),
        operations_(workers_, memory_, weights_),
        probes_(workers_, memory_, operations_) {}

  WeightLoader& weights() override { return weights_; }
  Memory& memory() override { return memory_; }
  Operations& operations() override { return operations_; }
  Probes& probes() override { return probes_; }

 private:
  Workers workers_;
  CpuMemory memory_;
  CpuWeights weights_;
  CpuOperations operations_;
  CpuProbes probes_;
};

}  // namespace moebius::internal::cpu
