// Reservation, the check of shapes, and the operations that pick rows: embed() decodes rows of a table,
// gather_logit_rows() and concat() copy rows.
#include <algorithm>

#include "backend/reference/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::reference {

void ReferenceOperations::reserve(const StepLimits& limits) {
  MOEBIUS_CHECK(limits.rows > 0);
  weights_.close();
  max_rows_ = limits.rows;
  batch_.reserve(limits);
}

void ReferenceOperations::check_shape(const Tensor& x, int64_t rows, int64_t cols, DType dtype) const {
  MOEBIUS_CHECK(x.dtype == dtype && x.rows == rows && x.cols == cols);
  MOEBIUS_CHECK(rows <= max_rows_);
}

// out [T, D], table [V, D]
void ReferenceOperations::embed(Tensor out, Batch batch, Matrix table) {
  const StoredMatrix& w = weights_.matrix(table);
  const std::span<const int32_t> tokens = batch_.at(batch).tokens();
  check_shape(out, std::ssize(tokens), w.cols());
  for (int64_t t = 0; t < out.rows; ++t) {
    w.decode({row(out, t), static_cast<size_t>(out.cols)}, tokens[t]);
    traffic_.weight_bytes += w.row_bytes();
  }
}

// out [logit rows, D], x [T, D]
void ReferenceOperations::gather_logit_rows(Tensor out, Tensor x, Batch batch) {
  const std::span<const int32_t> rows = batch_.at(batch).logit_rows();
  check_shape(out, std::ssize(rows), x.cols);
  check_shape(x, batch.rows, x.cols);
  for (int64_t i = 0; i < out.rows; ++i) std::copy_n(row(x, rows[i]), x.cols, row(out, i));
}

// out [T, A + B], a [T, A], b [T, B]
void ReferenceOperations::concat(Tensor out, const Input& a, const Input& b) {
  check_shape(out, a.x.rows, a.x.cols + b.x.cols);
  check_shape(b.x, a.x.rows, b.x.cols);
  const std::vector<float> left = rows_of(a);
  const std::vector<float> right = rows_of(b);
  for (int64_t i = 0; i < out.rows; ++i) {
    std::copy_n(left.data() + i * a.x.cols, a.x.cols, row(out, i));
    std::copy_n(right.data() + i * b.x.cols, b.x.cols, row(out, i) + a.x.cols);
  }
}

}  // namespace moebius::internal::reference
