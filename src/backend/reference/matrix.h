// A weight matrix as it stands in the checkpoint, row-major, and its rows decoded one at a time. Arithmetic with the
// rows is in matmul.h.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace moebius::reference {

class StoredMatrix {
 public:
  StoredMatrix() = default;
  // Reads all rows. Throws kUnsupported for a format that no checkpoint of the family has.
  StoredMatrix(const MatrixSpec& spec, const RowSource& source);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t cols() const { return cols_; }
  [[nodiscard]] const WeightFormat& format() const { return format_; }
  [[nodiscard]] ActivationKind activations() const { return activations_; }
  [[nodiscard]] int64_t row_bytes() const { return weight_row_bytes_ + 2 * scale_row_bytes_; }
  [[nodiscard]] int64_t bytes() const { return rows_ * row_bytes(); }

  // w [cols]: widened exactly when dense, fma(float(q), s, b) when affine.
  void decode(std::span<float> w, int64_t row) const;
  // One byte a code; affine only.
  void decode_codes(std::span<uint8_t> codes, int64_t row) const;
  // [cols / group], widened exactly; affine only.
  void decode_scales(std::span<float> scales, std::span<float> biases, int64_t row) const;

 private:
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  WeightFormat format_;
  ActivationKind activations_ = ActivationKind::kF32;
  int64_t weight_row_bytes_ = 0;
  int64_t scale_row_bytes_ = 0;
  std::vector<std::byte> weights_;  // [rows, weight_row_bytes]
  std::vector<std::byte> scales_;   // [rows, scale_row_bytes]
  std::vector<std::byte> biases_;   // [rows, scale_row_bytes]
};

}  // namespace moebius::reference
