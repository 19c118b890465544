// For tests: a backend that keeps what is uploaded and computes nothing. Not part of any library.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/check.h"

namespace moebius::testing {

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

class RecordingBackend : public Backend {
 public:
  std::map<std::string, RecordedRows> matrices;
  std::map<std::string, ActivationKind> activations;
  std::map<std::string, RecordedExperts> experts_tables;
  std::vector<std::vector<float>> vectors;  // in the order of upload

  // Rows are asked for in pieces of a height that divides nothing, to cross the borders of slices.
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

  Matrix upload(const MatrixSpec& spec, const RowSource& rows) override {
    matrices[spec.name] = record(rows, spec.format, spec.rows, spec.cols);
    activations[spec.name] = spec.activations;
    return {static_cast<int32_t>(matrices.size()) - 1};
  }
  Experts upload(const ExpertsSpec& spec) override {
    RecordedExperts table;
    record_group(spec.routed, spec.dim, table.gate, table.up, table.down);
    if (spec.shared.count > 0) {
      record_group(spec.shared, spec.dim, table.shared_gate, table.shared_up, table.shared_down);
    }
    experts_tables[spec.name] = std::move(table);
    return {static_cast<int32_t>(experts_tables.size()) - 1};
  }
  Tensor upload(std::span<const float> values, int64_t rows, int64_t cols) override {
    MOEBIUS_CHECK(static_cast<int64_t>(values.size()) == rows * cols);
    vectors.emplace_back(values.begin(), values.end());
    return {nullptr, DType::kF32, rows, cols};
  }
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override { return {nullptr, dtype, rows, cols}; }
  void free_tensor(Tensor) override {}
  void reserve(int64_t) override {}
  [[nodiscard]] int64_t packed_bytes() const override { return 0; }

  State create_state(const StateSpec&) override { return {0}; }
  void reset_state(State) override { no_steps(); }
  void repeat_context(State, int64_t, int64_t) override { no_steps(); }
  void keep_rows(State, int64_t) override { no_steps(); }
  void copy_recurrent(State, State) override { no_steps(); }
  void free_state(State) override {}
  KvPage create_page(const StateSpec&) override { return {0}; }
  void copy_page(KvPage, KvPage) override { no_steps(); }
  void free_page(KvPage) override {}
  void set_pages(State, std::span<const KvPage>) override { no_steps(); }
  void write(Tensor, const void*) override { no_steps(); }
  void read(void*, Tensor) override { no_steps(); }
  void embed(Tensor, Tensor, Matrix) override { no_steps(); }
  void rms_norm(Tensor, Tensor, Tensor, float) override { no_steps(); }
  void add_rms_norm(Tensor, Tensor, Tensor, Tensor, float) override { no_steps(); }
  void linear(std::span<const Projection>, Tensor) override { no_steps(); }
  void attention(Tensor, const AttentionArgs&, std::span<const SequenceRows>) override { no_steps(); }
  void delta_net(Tensor, const DeltaNetArgs&, std::span<const SequenceRows>) override { no_steps(); }
  void router(const Routing&, Tensor, const RouterArgs&) override { no_steps(); }
  void experts(Tensor, Tensor, const Routing&, Experts, ExpertPath) override { no_steps(); }
  void gather_rows(Tensor, Tensor, Tensor) override { no_steps(); }
  void concat(Tensor, Tensor, Tensor) override { no_steps(); }
  void copy(Tensor, Tensor) override { no_steps(); }
  void argmax(Tensor, Tensor) override { no_steps(); }
  Traffic take_traffic() override { return {}; }
  double measure_int8_macs() override { return 0; }

 private:
  static void no_steps() { MOEBIUS_CHECK(!"a recording backend runs no steps"); }
  static void record_group(const ExpertGroupSpec& group, int64_t dim, RecordedRows& gate, RecordedRows& up,
                           RecordedRows& down) {
    gate = record(*group.gate_rows, group.gate_up, group.count * group.width, dim);
    up = record(*group.up_rows, group.gate_up, group.count * group.width, dim);
    down = record(*group.down_rows, group.down, group.count * dim, group.width);
  }
};

}  // namespace moebius::testing
