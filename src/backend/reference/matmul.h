// Products of activations with weight rows (N2, N3, N4). The operations decide which matrix meets which activations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/operations.h"
#include "backend/reference/matrix.h"

namespace moebius::internal::reference {

inline constexpr int64_t kActivationBlock = 64;  // inputs that share an activation scale (N3)
inline constexpr int64_t kSegment = 512;         // inputs that share an accumulator (N2, N4)

// Quantizes one row to int8 codes with a scale per block of 64 inputs (N3). The last block may be short.
void quantize_activations(std::span<int8_t> codes, std::span<float> scales, std::span<const float> x);

// The input of a matmul: T rows in f32 and, for quantized weights, in int8. The constructor fills both forms.
struct Activations {
  Activations(const float* x, int64_t rows, int64_t cols);

  int64_t rows;
  int64_t cols;
  const float* f32;           // [T, cols], not owned
  std::vector<int8_t> codes;  // [T, cols]
  std::vector<float> scales;  // [T, ceil(cols / 64)]
};

struct RowRange {
  int64_t first;
  int64_t count;
};

// out [T, count] = x [T, cols] times the rows [first, first + count) of w [rows, cols].
void matmul(float* out, const Activations& x, const StoredMatrix& w, RowRange rows);

// Writes the results [T, N] of an operation to `out`, or adds them to it.
void write_rows(const Output& out, const std::vector<float>& rows);

}  // namespace moebius::internal::reference
