// A weight matrix as it stands in the checkpoint, row-major. Rows are decoded one at a time. Arithmetic with the rows
// is in matmul.h.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backend/weights.h"
#include "quant/dequantize.h"

namespace moebius::internal::reference {

class StoredMatrix {
 public:
  StoredMatrix() = default;
  // Reads all rows. Throws kUnsupported for a format that no checkpoint of the family has.
  StoredMatrix(const MatrixSpec& spec, const RowSource& source);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t cols() const { return cols_; }
  [[nodiscard]] const WeightFormat& format() const { return format_; }
  [[nodiscard]] ActivationKind activations() const { return activations_; }
  [[nodiscard]] int64_t row_bytes() const { return format_.row_bytes(cols_); }
  [[nodiscard]] int64_t bytes() const { return rows_ * row_bytes(); }

  // w [cols]: widened exactly when dense, fma(float(q), s, b) when quantized.
  void decode(std::span<float> w, int64_t row) const;
  // q [cols] of N4; quantized only.
  void decode_codes(std::span<uint8_t> q, int64_t row) const;
  // s and b of N4 [cols / group]; quantized only.
  void decode_scales(std::span<float> scales, std::span<float> biases, int64_t row) const;

 private:
  [[nodiscard]] QuantRow quant_row(int64_t row) const;

  int64_t rows_ = 0;
  int64_t cols_ = 0;
  WeightFormat format_;
  ActivationKind activations_ = ActivationKind::kF32;
  std::vector<std::byte> weights_;  // [rows, weight_row_bytes of the format]
  std::vector<std::byte> scales_;   // [rows, scale_row_bytes of the format]
  std::vector<std::byte> biases_;   // [rows, bias_row_bytes of the format]
};

}  // namespace moebius::internal::reference
