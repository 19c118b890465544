// N2, N3 and N4, and the operation linear(). Each weight row is decoded once and meets every activation row.
#include "backend/reference/matmul.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/reference/norm.h"
#include "backend/reference/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

// Quantizes one block of at most 64 inputs (N3). Returns its scale a.
float quantize_block(std::span<int8_t> q, std::span<const float> x) {
  float m = 0;
  bool finite = true;
  for (const float value : x) {
    finite = finite && std::isfinite(value);
    m = std::max(m, std::fabs(value));
  }
  std::fill(q.begin(), q.end(), int8_t{0});
  if (!finite) return std::numeric_limits<float>::quiet_NaN();
  if (m < 0x1p-100f) return 0.0f;  // 127 / m would lose precision or overflow
  const float r = 127.0f / m;
  for (size_t i = 0; i < x.size(); ++i) q[i] = static_cast<int8_t>(std::rint(x[i] * r));
  return m / 127.0f;
}

// The dot product of w [cols] and x [cols] by N2.
float dot_f32(std::span<const float> w, const float* x) {
  const auto cols = static_cast<int64_t>(w.size());
  float y = 0;
  for (int64_t first = 0; first < cols; first += kSegment) {
    float acc = 0;
    for (int64_t k = first; k < std::min(first + kSegment, cols); ++k) acc = fmath::fma(w[k], x[k], acc);
    y += acc;
  }
  return y;
}

// One row of quantized weights, as codes, scales and biases.
struct QuantizedWeights {
  int64_t group;
  std::vector<uint8_t> codes;         // [cols]
  std::vector<float> scales, biases;  // [cols / group]
};

// The u of N4 for one unit of inputs that share s, b and a. The integer sums are exact.
float dot_unit(std::span<const uint8_t> w, const int8_t* q, float s, float b) {
  int32_t d = 0;
  int32_t z = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    d += w[i] * q[i];
    z += q[i];
  }
  return fmath::fma(s, static_cast<float>(d), b * static_cast<float>(z));
}

// A row of weights times a row of codes q [cols] with scales a [ceil(cols / 64)], by N4.
float dot_int8(const QuantizedWeights& w, const int8_t* q, const float* a) {
  const auto cols = static_cast<int64_t>(w.codes.size());
  const int64_t unit = std::min(w.group, kActivationBlock);
  float y = 0;
  for (int64_t first = 0; first < cols; first += kSegment) {
    float acc = 0;
    for (int64_t k = first; k < std::min(first + kSegment, cols); k += unit) {
      const int64_t g = k / w.group;
      const float u = dot_unit({w.codes.data() + k, static_cast<size_t>(unit)}, q + k, w.scales[g], w.biases[g]);
      acc = fmath::fma(a[k / kActivationBlock], u, acc);
    }
    y += acc;
  }
  return y;
}

void matmul_f32(float* out, const Activations& x, const StoredMatrix& matrix, RowRange rows) {
  std::vector<float> w(matrix.cols());
  for (int64_t n = 0; n < rows.count; ++n) {
    matrix.decode(w, rows.first + n);
    for (int64_t t = 0; t < x.rows; ++t) out[t * rows.count + n] = dot_f32(w, x.f32 + t * x.cols);
  }
}

void matmul_int8(float* out, const Activations& x, const StoredMatrix& matrix, RowRange rows) {
  const int64_t group = matrix.format().quant.group;
  const auto groups = static_cast<size_t>(matrix.cols() / group);
  const int64_t blocks = div_up(x.cols, kActivationBlock);
  QuantizedWeights w{group, std::vector<uint8_t>(matrix.cols()), std::vector<float>(groups),
                     std::vector<float>(groups)};
  for (int64_t n = 0; n < rows.count; ++n) {
    matrix.decode_codes(w.codes, rows.first + n);
    matrix.decode_scales(w.scales, w.biases, rows.first + n);
    for (int64_t t = 0; t < x.rows; ++t) {
      out[t * rows.count + n] = dot_int8(w, x.codes.data() + t * x.cols, x.scales.data() + t * blocks);
    }
  }
}

}  // namespace

void quantize_activations(std::span<int8_t> codes, std::span<float> scales, std::span<const float> x) {
  const auto cols = static_cast<int64_t>(x.size());
  for (int64_t first = 0; first < cols; first += kActivationBlock) {
    const int64_t count = std::min(kActivationBlock, cols - first);
    scales[first / kActivationBlock] = quantize_block(codes.subspan(first, count), x.subspan(first, count));
  }
}

Activations::Activations(const float* x, int64_t t_rows, int64_t t_cols) : rows(t_rows), cols(t_cols), f32(x) {
  const int64_t blocks = div_up(cols, kActivationBlock);
  codes.resize(rows * cols);
  scales.resize(rows * blocks);
  for (int64_t t = 0; t < rows; ++t) {
    quantize_activations({codes.data() + t * cols, static_cast<size_t>(cols)},
                         {scales.data() + t * blocks, static_cast<size_t>(blocks)},
                         {x + t * cols, static_cast<size_t>(cols)});
  }
}

void matmul(float* out, const Activations& x, const StoredMatrix& w, RowRange rows) {
  MOEBIUS_CHECK(x.cols == w.cols() && rows.first >= 0 && rows.first + rows.count <= w.rows());
  if (w.activations() == ActivationKind::kInt8) {
    matmul_int8(out, x, w, rows);
  } else {
    matmul_f32(out, x, w, rows);
  }
}

std::vector<float> ReferenceOperations::rows_of(const Input& x) const {
  check_shape(x.x, x.x.rows, x.x.cols);
  std::vector<float> rows(f32(x.x), f32(x.x) + x.x.rows * x.x.cols);
  if (!x.norm.weight.has_memory()) return rows;
  check_shape(x.norm.weight, 1, x.x.cols);
  for (int64_t t = 0; t < x.x.rows; ++t) {
    float* row = rows.data() + t * x.x.cols;
    rms_norm_row(row, row, f32(x.norm.weight), x.x.cols, x.norm.eps);
  }
  return rows;
}

void write_rows(const Output& out, const std::vector<float>& rows) {
  float* to = f32(out.x);
  for (size_t i = 0; i < rows.size(); ++i) to[i] = out.write == Write::kAdd ? to[i] + rows[i] : rows[i];
}

// Computes each projection separately: out [T, N] = x [T, D] times W [N, D] transposed.
void ReferenceOperations::linear(std::span<const Projection> projections, const Input& x) {
  const std::vector<float> rows = rows_of(x);
  const Activations activations(rows.data(), x.x.rows, x.x.cols);
  for (const Projection& p : projections) {
    const StoredMatrix& w = weights_.matrix(p.weight);
    check_shape(p.out.x, x.x.rows, w.rows());
    std::vector<float> product(x.x.rows * w.rows());
    matmul(product.data(), activations, w, {0, w.rows()});
    write_rows(p.out, product);
    traffic_.weight_bytes += w.bytes();
  }
}

}  // namespace moebius::internal::reference
