// See weights.h.
#include "backend/reference/weights.h"

#include "backend/reference/memory.h"
#include "base/check.h"

namespace moebius::internal::reference {
namespace {

template <typename T>
const T& stored(const std::vector<T>& all, int32_t id) {
  MOEBIUS_CHECK(id >= 0 && id < static_cast<int32_t>(all.size()));
  return all[id];
}

}  // namespace

StoredMatrix ReferenceWeights::store(MatrixSpec spec, const RowSource& rows) {
  MOEBIUS_CHECK(!is_closed_);
  if (quantized_activations_ == ActivationKind::kF32) spec.activations = ActivationKind::kF32;
  StoredMatrix stored(spec, rows);
  packed_bytes_ += stored.bytes();
  return stored;
}

StoredExpertGroup ReferenceWeights::store(const ExpertsSpec& spec, const ExpertGroupSpec& group) {
  if (group.count == 0) return {};
  MOEBIUS_CHECK(group.gate_rows != nullptr && group.up_rows != nullptr && group.down_rows != nullptr);
  const int64_t hidden_rows = group.count * group.width;
  return {
      .count = group.count,
      .width = group.width,
      .gate = store({spec.name + ".gate", hidden_rows, spec.dim, group.gate_up}, *group.gate_rows),
      .up = store({spec.name + ".up", hidden_rows, spec.dim, group.gate_up}, *group.up_rows),
      .down = store({spec.name + ".down", group.count * spec.dim, group.width, group.down}, *group.down_rows),
  };
}

Matrix ReferenceWeights::upload_matrix(const MatrixSpec& spec, const RowSource& rows) {
  matrices_.push_back(store(spec, rows));
  return {static_cast<int32_t>(matrices_.size()) - 1};
}

Experts ReferenceWeights::upload_experts(const ExpertsSpec& spec) {
  MOEBIUS_CHECK(spec.routed.count > 0 && spec.shared.count <= 1);
  experts_.push_back({spec.dim, store(spec, spec.routed), store(spec, spec.shared)});
  return {static_cast<int32_t>(experts_.size()) - 1};
}

Convolution ReferenceWeights::upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) {
  MOEBIUS_CHECK(spec.kernel >= 1 && std::ssize(taps) == spec.channels * spec.kernel);
  convolutions_.push_back({spec, {taps.begin(), taps.end()}});
  return {static_cast<int32_t>(convolutions_.size()) - 1};
}

Tensor ReferenceWeights::upload_table(std::span<const float> values, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(std::ssize(values) == rows * cols);
  const Tensor x = memory_.allocate(DType::kF32, rows, cols);
  memory_.write(x, values.data());
  return x;
}

const StoredMatrix& ReferenceWeights::matrix(Matrix handle) const { return stored(matrices_, handle.id); }

const StoredExperts& ReferenceWeights::experts(Experts handle) const { return stored(experts_, handle.id); }

const StoredConvolution& ReferenceWeights::convolution(Convolution handle) const {
  return stored(convolutions_, handle.id);
}

}  // namespace moebius::internal::reference
