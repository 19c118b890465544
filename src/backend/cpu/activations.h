// Rows of activations in the forms that kernels read: int8 codes with their scales and sums, and pointers to f32 rows.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"

namespace moebius::cpu {

// Storage for `rows` quantized rows of at most `cols` inputs, allocated once.
class QuantizedRows {
 public:
  void reserve(int64_t rows, int64_t cols);

  [[nodiscard]] QuantizedOut out(int64_t row) const;
  // The row as a kernel reads it; x may be null when only the int8 form is wanted.
  [[nodiscard]] ActivationRow in(int64_t row, const float* x) const;

 private:
  int64_t blocks_ = 0;  // of 64 inputs, a row
  Buffer codes_, scales_, sums32_, sums64_;
};

}  // namespace moebius::cpu
