// For tests: a backend that keeps the uploaded bytes and computes nothing. This header is not part of any library.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backend/testing/refusing.h"
#include "base/check.h"

namespace moebius::internal::testing {

struct RecordedRows {
  WeightFormat format;
  int64_t rows = 0, cols = 0;
  std::vector<std::byte> weights, scales, biases;

  friend bool operator==(const RecordedRows&, const RecordedRows&) = default;
};

struct RecordedExperts {
  RecordedRows gate, up, down, shared_gate, shared_up, shared_down;

  friend bool operator==(const RecordedExperts&, const RecordedExperts&) = default;
};

// A Memory that returns shapes and allocates nothing. The workspace of a model needs no more.
class ShapesAlone : public RefusingMemory {
 public:
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override { return {dtype, rows, cols}; }
  QuantizedRows allocate_quantized(int64_t, int64_t) override { return {}; }
  Routing allocate_routing(int64_t, int64_t) override { return {0}; }
};

class NoSteps : public RefusingOperations {
 public:
  void reserve(const StepLimits&) override {}
};

class RecordingBackend final : public Backend, public RefusingWeights {
 public:
  WeightLoader& weights() override { return *this; }
  Memory& memory() override { return memory_; }
  Operations& operations() override { return operations_; }
  Probes& probes() override { return probes_; }

  std::map<std::string, RecordedRows> matrices;
  std::map<std::string, ActivationKind> activations;
  std::map<std::string, RecordedExperts> experts_tables;
  std::vector<std::vector<float>> vectors;  // tables and taps of convolutions, in the order of upload

  // Reads the rows in pieces of 7. This height divides no slice, so pieces cross the borders of slices.
  static RecordedRows record(const RowSource& source, const WeightFormat& format, int64_t rows, int64_t cols) {
    constexpr int64_t kPiece = 7;
    const int64_t weight_bytes = format.weight_row_bytes(cols);
    const int64_t scale_bytes = format.scale_row_bytes(cols);
    const int64_t bias_bytes = format.bias_row_bytes(cols);
    RecordedRows record{format, rows, cols, {}, {}, {}};
    record.weights.resize(static_cast<size_t>(rows * weight_bytes));
    record.scales.resize(static_cast<size_t>(rows * scale_bytes));
    record.biases.resize(static_cast<size_t>(rows * bias_bytes));
    for (int64_t first = 0; first < rows; first += kPiece) {
      const int64_t count = std::min(kPiece, rows - first);
      const auto at = [&](std::vector<std::byte>& bytes, int64_t row_bytes) {
        return row_bytes > 0 ? bytes.data() + first * row_bytes : nullptr;
      };
      source.read(first, count,
                  {at(record.weights, weight_bytes), at(record.scales, scale_bytes), at(record.biases, bias_bytes)});
    }
    return record;
  }

  Matrix upload_matrix(const MatrixSpec& spec, const RowSource& rows) override {
    matrices[spec.name] = record(rows, spec.format, spec.rows, spec.cols);
    activations[spec.name] = spec.activations;
    return {static_cast<int32_t>(matrices.size()) - 1};
  }
  Experts upload_experts(const ExpertsSpec& spec) override {
    RecordedExperts table;
    record_group(spec.routed, spec.dim, table.gate, table.up, table.down);
    if (spec.shared.count > 0) {
      record_group(spec.shared, spec.dim, table.shared_gate, table.shared_up, table.shared_down);
    }
    experts_tables[spec.name] = std::move(table);
    return {static_cast<int32_t>(experts_tables.size()) - 1};
  }
  Convolution upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) override {
    MOEBIUS_CHECK(std::ssize(taps) == spec.channels * spec.kernel);
    vectors.emplace_back(taps.begin(), taps.end());
    return {0};
  }
  Tensor upload_table(std::span<const float> values, int64_t rows, int64_t cols) override {
    MOEBIUS_CHECK(std::ssize(values) == rows * cols);
    vectors.emplace_back(values.begin(), values.end());
    return {DType::kF32, rows, cols};
  }

 private:
  static void record_group(const ExpertGroupSpec& group, int64_t dim, RecordedRows& gate, RecordedRows& up,
                           RecordedRows& down) {
    gate = record(*group.gate_rows, group.gate_up, group.count * group.width, dim);
    up = record(*group.up_rows, group.gate_up, group.count * group.width, dim);
    down = record(*group.down_rows, group.down, group.count * dim, group.width);
  }

  ShapesAlone memory_;
  NoSteps operations_;
  RefusingProbes probes_;
};

}  // namespace moebius::internal::testing
