// Rows of activations as int8 codes with their scales and sums (N3), as kernels write and read them.
#pragma once

#include <cstdint>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"

namespace moebius::internal::cpu {

// Storage for `rows` quantized rows of at most `cols` inputs.
class QuantizedStorage {
 public:
  void reserve(int64_t rows, int64_t cols);

  // Where the inputs of a row from first_col on are written. first_col is a multiple of kQuantBlock.
  [[nodiscard]] QuantizedOut out(int64_t row, int64_t first_col = 0) const;
  // The row as a kernel reads it; x may be null when only the int8 form is wanted.
  [[nodiscard]] ActivationRow in(int64_t row, const float* x) const;

 private:
  int64_t blocks_ = 0;  // blocks of 64 inputs in a row
  Buffer codes_, scales_, sums32_, sums64_;
};

}  // namespace moebius::internal::cpu
