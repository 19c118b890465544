// Operations that pick: embed() decodes rows of a table, gather_rows() and copy() copy rows, argmax() finds the largest
// logit.
#include <algorithm>
#include <cstring>

#include "backend/reference/reference_backend.h"
#include "base/check.h"

namespace moebius::reference {

// out [T, D], ids i32 [T, 1], table [V, D]
void ReferenceBackend::embed(Tensor out, Tensor ids, Matrix table) {
  const StoredMatrix& w = matrix(table);
  check_shape(out, ids.rows, w.cols());
  check_shape(ids, out.rows, 1, DType::kI32);
  for (int64_t t = 0; t < out.rows; ++t) {
    w.decode({out.row(t), static_cast<size_t>(out.cols)}, ids.i32()[t]);
    traffic_.weights(w.row_bytes());
  }
}

// out [n, D], x [T, D], ids i32 [n, 1]
void ReferenceBackend::gather_rows(Tensor out, Tensor x, Tensor ids) {
  check_shape(out, ids.rows, x.cols);
  check_shape(ids, out.rows, 1, DType::kI32);
  for (int64_t i = 0; i < out.rows; ++i) {
    const int32_t id = ids.i32()[i];
    MOEBIUS_CHECK(id >= 0 && id < x.rows);
    std::copy_n(x.row(id), x.cols, out.row(i));
  }
}

// out [T, A + B], a [T, A], b [T, B]
void ReferenceBackend::concat(Tensor out, Tensor a, Tensor b) {
  check_shape(out, a.rows, a.cols + b.cols);
  check_shape(b, a.rows, b.cols);
  for (int64_t i = 0; i < out.rows; ++i) {
    std::copy_n(a.row(i), a.cols, out.row(i));
    std::copy_n(b.row(i), b.cols, out.row(i) + a.cols);
  }
}

// out, x [T, D], f32 or i32
void ReferenceBackend::copy(Tensor out, Tensor x) {
  MOEBIUS_CHECK(x.dtype == DType::kF32 || x.dtype == DType::kI32);
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && out.dtype == x.dtype);
  if (x.bytes() > 0) std::memcpy(out.data, x.data, x.bytes());
}

// out i32 [T, 1], logits [T, V]. The lowest id among equals; NaN never wins, and a row of NaN alone gives 0.
void ReferenceBackend::argmax(Tensor out, Tensor logits) {
  check_shape(logits, out.rows, logits.cols);
  check_shape(out, logits.rows, 1, DType::kI32);
  for (int64_t t = 0; t < out.rows; ++t) {
    const float* row = logits.row(t);
    int64_t best = -1;
    for (int64_t v = 0; v < logits.cols; ++v) {
      const bool is_nan = row[v] != row[v];
      if (!is_nan && (best < 0 || row[v] > row[best])) best = v;
    }
    out.i32()[t] = static_cast<int32_t>(std::max<int64_t>(best, 0));
  }
}

}  // namespace moebius::reference
