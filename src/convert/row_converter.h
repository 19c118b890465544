// Converts rows of a matrix from the form in which one checkpoint keeps them to the form in which another one will. The
// steps are: decode, add 1 to norms, round to the new dtype, encode. The rounding steps are those of mlx-lm's
// converter, in its order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "quant/format.h"

namespace moebius::internal {

// Returns the dtype of floats, or that of the scales and biases beside codes. For mxfp4 it is BF16, which holds the
// weights exactly.
DType float_dtype(const WeightFormat& format);

struct RowConversion {
  WeightFormat from;
  WeightFormat to;
  int64_t cols = 0;
  bool add_one = false;  // for norms that are stored around 0
};

// A buffer of rows, with scales and biases where their format has them.
class RowBuffer {
 public:
  RowBuffer(const WeightFormat& format, int64_t rows, int64_t cols);

  [[nodiscard]] RowSource::Rows at(int64_t row);
  [[nodiscard]] std::span<const std::byte> weights(int64_t rows) const;
  [[nodiscard]] std::span<const std::byte> scales() const { return scales_; }
  [[nodiscard]] std::span<const std::byte> biases() const { return biases_; }

 private:
  int64_t weight_row_bytes_, scale_row_bytes_, bias_row_bytes_;
  std::vector<std::byte> weights_, scales_, biases_;
};

// Converts one row; scratch is overwritten. Returns false and writes nothing when a value is not finite in the new
// dtype.
bool convert_row(const RowSource::Rows& out, const RowSource::Rows& in, const RowConversion& conversion,
                 std::vector<float>& scratch);

}  // namespace moebius::internal
