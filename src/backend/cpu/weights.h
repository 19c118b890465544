// Weights of the CPU backend. All threads pack them at upload, unless a WeightStore already has the packed bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "backend/cpu/workers.h"
#include "backend/weights.h"

namespace moebius::internal::cpu {

class CpuMemory;

// The memory of packed weights: the backend's own, or a place in a WeightStore.
struct WeightMemory {
  Buffer own;
  uint8_t* data = nullptr;
  int64_t bytes = 0;
  bool filled = false;  // true: the bytes are already packed
};

struct PackedMatrix {
  WeightMemory memory;
  MatrixView view{};
  bool int8 = false;  // true: int8 activations (N4); false: f32 activations (N2)
};

// Experts of one width, one behind the other. In each expert, gate and up blocks alternate, and the down blocks follow.
struct PackedGroup {
  WeightMemory memory;
  int64_t count = 0, width = 0;
  int64_t expert_bytes = 0;
  MatrixView gate{}, up{}, down{};  // of expert 0
  bool int8_in = false;             // gate and up take int8
  bool int8_down = false;           // down takes int8

  // The view of another expert, from that of expert 0.
  [[nodiscard]] MatrixView of(MatrixView view, int64_t expert) const {
    view.data += expert * expert_bytes;
    return view;
  }
  [[nodiscard]] int64_t chunks() const { return (width + kQuantBlock - 1) / kQuantBlock; }
};

struct PackedExperts {
  int64_t dim = 0;
  PackedGroup routed, shared;

  [[nodiscard]] bool int8_in() const { return routed.int8_in || shared.int8_in; }
  [[nodiscard]] int64_t entries() const { return routed.count + shared.count; }
};

struct PackedConvolution {
  ConvolutionSpec spec;
  Buffer taps;  // [kernel, channels]: transposed, because lanes are channels
};

// The largest dimensions of the uploaded weights. Scratch is sized by them.
struct WidestWeights {
  int64_t inputs = 0;  // inputs of any matrix or expert
  int64_t experts = 0;
  int64_t expert_width = 0;
  int64_t expert_dim = 0;
};

class CpuWeights final : public WeightLoader {
 public:
  // store may be null. All memory is then the backend's own.
  CpuWeights(Workers& workers, CpuMemory& memory, WeightStore* store)
      : workers_(workers), memory_(memory), store_(store) {}

  Matrix upload_matrix(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload_experts(const ExpertsSpec& spec) override;
  Convolution upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) override;
  Tensor upload_table(std::span<const float> values, int64_t rows, int64_t cols) override;
  [[nodiscard]] int64_t packed_bytes() const override { return packed_bytes_; }

  [[nodiscard]] const PackedMatrix& matrix(Matrix handle) const;
  [[nodiscard]] const PackedExperts& experts(Experts handle) const;
  [[nodiscard]] const PackedConvolution& convolution(Convolution handle) const;
  [[nodiscard]] const WidestWeights& widest() const { return widest_; }

 private:
  WeightMemory weight_memory(const std::string& name, int64_t bytes);
  void upload_group(PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim, const std::string& name);
  void pack_experts(const PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim);

  Workers& workers_;
  CpuMemory& memory_;
  WeightStore* store_;
  std::vector<std::unique_ptr<PackedMatrix>> matrices_;
  std::vector<std::unique_ptr<PackedExperts>> experts_;
  std::vector<std::unique_ptr<PackedConvolution>> convolutions_;
  WidestWeights widest_;
  int64_t packed_bytes_ = 0;
};

}  // namespace moebius::internal::cpu
