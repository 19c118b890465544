// A tensor as code outside a backend sees it: a dtype and a shape, row-major and contiguous. A tensor owns nothing. Its
// memory may be on a device, so only backends can reach it (tensor_memory.h). Other code only passes tensors on.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "base/dtype.h"

namespace moebius::internal {

class Tensor {
 public:
  Tensor() = default;
  // A shape without memory. A memory plan counts the bytes of such tensors.
  Tensor(DType element, int64_t row_count, int64_t col_count) : dtype(element), rows(row_count), cols(col_count) {}

  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 1;

  [[nodiscard]] int64_t bytes() const { return rows * cols * size_bytes(dtype); }
  [[nodiscard]] bool has_memory() const { return data_ != nullptr; }

  // The first n rows. A step of n tokens uses this part of a workspace.
  [[nodiscard]] Tensor first(int64_t n) const { return slice(0, n); }
  // Rows [first, first + n).
  [[nodiscard]] Tensor slice(int64_t first, int64_t n) const {
    MOEBIUS_CHECK(first >= 0 && n >= 0 && first + n <= rows);
    Tensor part(dtype, n, cols);
    if (data_ != nullptr) part.data_ = static_cast<char*>(data_) + first * cols * size_bytes(dtype);
    return part;
  }
  // The same memory as [row_count, col_count]. The new shape is at most as large as the old one.
  [[nodiscard]] Tensor shaped(int64_t row_count, int64_t col_count) const {
    MOEBIUS_CHECK(row_count * col_count <= rows * cols);
    Tensor other(dtype, row_count, col_count);
    other.data_ = data_;
    return other;
  }

 private:
  friend struct TensorMemory;
  void* data_ = nullptr;
};

}  // namespace moebius::internal
