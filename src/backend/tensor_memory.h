// The memory behind a tensor. Only backends and their tests use this: for other code a tensor may be on a device.
#pragma once

#include <cstdint>

#include "backend/tensor.h"

namespace moebius::internal {

struct TensorMemory {
  static void* of(const Tensor& x) { return x.data_; }
  static Tensor tensor(void* data, DType dtype, int64_t rows, int64_t cols) {
    Tensor x(dtype, rows, cols);
    x.data_ = data;
    return x;
  }
};

// These functions are for tensors in host memory.
inline float* f32(const Tensor& x) { return static_cast<float*>(TensorMemory::of(x)); }
inline int32_t* i32(const Tensor& x) { return static_cast<int32_t*>(TensorMemory::of(x)); }
inline float* row(const Tensor& x, int64_t r) { return f32(x) + r * x.cols; }
inline Tensor f32_tensor(float* data, int64_t rows, int64_t cols) {
  return TensorMemory::tensor(data, DType::kF32, rows, cols);
}

}  // namespace moebius::internal
