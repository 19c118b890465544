// A tensor is a plain view: pointer, dtype, shape. Row-major and contiguous; it owns nothing. On a device backend the
// pointer is a device address, so model code passes tensors on and never looks through them.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace moebius {

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 1;

  [[nodiscard]] float* f32() const { return static_cast<float*>(data); }
  [[nodiscard]] int32_t* i32() const { return static_cast<int32_t*>(data); }
  [[nodiscard]] float* row(int64_t r) const { return f32() + r * cols; }
  [[nodiscard]] int64_t bytes() const { return rows * cols * size_bytes(dtype); }

  // The first n rows: the part of a workspace that a step of n tokens uses.
  [[nodiscard]] Tensor first(int64_t n) const { return {data, dtype, n, cols}; }
  // Rows [first, first + n).
  [[nodiscard]] Tensor slice(int64_t first, int64_t n) const {
    return {static_cast<char*>(data) + first * cols * size_bytes(dtype), dtype, n, cols};
  }
};

}  // namespace moebius
