// Turns the Input of an operation into rows that kernels read. Rows are normed if the Input has a norm, and quantized
// if the weights take int8.
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

  // Allocates memory for at most `rows` rows of `cols` columns.
  void reserve(int64_t rows, int64_t cols);

  // Returns the rows of x, in f32 and, if `form` asks for it, in int8. They are valid until the next call.
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
