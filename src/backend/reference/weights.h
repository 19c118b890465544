// Weights of the reference backend, stored as they stand in the checkpoint.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/reference/matrix.h"
#include "backend/weights.h"

namespace moebius::internal::reference {

struct StoredExpertGroup {
  int64_t count = 0;
  int64_t width = 0;      // F
  StoredMatrix gate, up;  // [count * F, D]
  StoredMatrix down;      // [count * D, F]

  // The bytes of one expert, as it stands in the checkpoint.
  [[nodiscard]] int64_t expert_bytes() const {
    return count == 0 ? 0 : (gate.bytes() + up.bytes() + down.bytes()) / count;
  }
};

struct StoredExperts {
  int64_t dim = 0;  // D
  StoredExpertGroup routed;
  StoredExpertGroup shared;  // count 0 or 1

  [[nodiscard]] int64_t entries() const { return routed.count + shared.count; }
};

struct StoredConvolution {
  ConvolutionSpec spec;
  std::vector<float> taps;  // [channels, kernel]
};

class ReferenceMemory;

class ReferenceWeights final : public WeightLoader {
 public:
  // quantized_activations: kF32 makes every matrix take f32 activations, whatever its spec says.
  ReferenceWeights(ReferenceMemory& memory, ActivationKind quantized_activations)
      : memory_(memory), quantized_activations_(quantized_activations) {}

  Matrix upload_matrix(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload_experts(const ExpertsSpec& spec) override;
  Convolution upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) override;
  Tensor upload_table(std::span<const float> values, int64_t rows, int64_t cols) override;
  [[nodiscard]] int64_t packed_bytes() const override { return packed_bytes_; }

  // Ends the uploads. A later upload is a bug.
  void close() { is_closed_ = true; }

  [[nodiscard]] const StoredMatrix& matrix(Matrix handle) const;
  [[nodiscard]] const StoredExperts& experts(Experts handle) const;
  [[nodiscard]] const StoredConvolution& convolution(Convolution handle) const;

 private:
  StoredMatrix store(MatrixSpec spec, const RowSource& rows);
  StoredExpertGroup store(const ExpertsSpec& spec, const ExpertGroupSpec& group);

  ReferenceMemory& memory_;
  ActivationKind quantized_activations_;
  bool is_closed_ = false;
  int64_t packed_bytes_ = 0;
  std::vector<StoredMatrix> matrices_;
  std::vector<StoredExperts> experts_;
  std::vector<StoredConvolution> convolutions_;
};

}  // namespace moebius::internal::reference
