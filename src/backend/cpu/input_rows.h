// What an operation reads (Input) as rows that kernels read: normed where it asks for that, quantized where weights
// take int8.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/memory.h"
#include "backend/cpu/quantized_rows.h"
#include "backend/cpu/workers.h"
#include "backend/operations.h"

namespace moebius::internal::cpu {

class InputRows {
 public:
  InputRows(Workers& workers, const CpuMemory& memory) : workers_(workers), memory_(memory) {}

  // For at most so many rows and columns.
  void reserve(int64_t rows, int64_t cols);

  // The rows of x, in f32 and, if quantized, in int8. Valid until the next call.
  enum class Form : uint8_t { kF32, kF32AndInt8 };
  std::span<const ActivationRow> prepare(const Input& x, Form form);

 private:
  Workers& workers_;
  const CpuMemory& memory_;
  int64_t max_rows_ = 0, max_cols_ = 0;
  Buffer normed_;  // [max_rows, max_cols]
  QuantizedStorage quantized_;
  std::vector<ActivationRow> rows_;  // [max_rows]
};

}  // namespace moebius::internal::cpu
