// Passes over rows: embedding, norms, gather, argmax; and the quantization of a step's activations.
#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::cpu {

void CpuBackend::embed(Tensor out, Tensor ids, Matrix table) {
  const MatrixView& w = matrix(table).view;
  MOEBIUS_CHECK(out.cols == w.cols && out.rows == ids.rows);
  for_each(out.rows, [&](int64_t row, int) {
    const int32_t id = ids.i32()[row];
    MOEBIUS_CHECK(id >= 0 && id < w.rows);
    unpack_row(out.row(row), w, id);
  });
  traffic_.weight_bytes += out.rows * w.block_bytes / kLanes;
}

void CpuBackend::rms_norm(Tensor out, Tensor x, Tensor w, float eps) {
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && w.cols == x.cols);
  for_each(x.rows, [&](int64_t row, int) { kernels_->rms_norm(out.row(row), x.row(row), w.f32(), x.cols, eps); });
}

void CpuBackend::add_rms_norm(Tensor out, Tensor residual, Tensor x, Tensor w, float eps) {
  MOEBIUS_CHECK(out.rows == x.rows && residual.rows == x.rows && residual.cols == x.cols && w.cols == x.cols);
  for_each(x.rows, [&](int64_t row, int) {
    kernels_->add(residual.row(row), x.row(row), x.cols);
    kernels_->rms_norm(out.row(row), residual.row(row), w.f32(), x.cols, eps);
  });
}

void CpuBackend::gather_rows(Tensor out, Tensor x, Tensor ids) {
  MOEBIUS_CHECK(out.rows == ids.rows && out.cols == x.cols);
  for (int64_t row = 0; row < out.rows; ++row) {
    const int32_t id = ids.i32()[row];
    MOEBIUS_CHECK(id >= 0 && id < x.rows);
    std::memcpy(out.row(row), x.row(id), static_cast<size_t>(x.cols) * 4);
  }
}

void CpuBackend::concat(Tensor out, Tensor a, Tensor b) {
  MOEBIUS_CHECK(out.rows == a.rows && out.rows == b.rows && out.cols == a.cols + b.cols);
  for (int64_t row = 0; row < out.rows; ++row) {
    std::memcpy(out.row(row), a.row(row), static_cast<size_t>(a.cols) * 4);
    std::memcpy(out.row(row) + a.cols, b.row(row), static_cast<size_t>(b.cols) * 4);
  }
}

void CpuBackend::copy(Tensor out, Tensor x) {
  constexpr int64_t kPieceBytes = 256 << 10;  // below, waking a thread costs more than it brings
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && out.dtype == x.dtype);
  const int64_t bytes = x.bytes();
  for_each(div_up(bytes, kPieceBytes), [&](int64_t piece, int) {
    const int64_t first = piece * kPieceBytes;
    const auto count = static_cast<size_t>(std::min(kPieceBytes, bytes - first));
    std::memcpy(static_cast<char*>(out.data) + first, static_cast<const char*>(x.data) + first, count);
  });
}

void CpuBackend::argmax(Tensor out, Tensor logits) {
  for_each(logits.rows, [&](int64_t row, int) {
    const float* values = logits.row(row);
    int64_t best = -1;
    for (int64_t i = 0; i < logits.cols; ++i) {
      const bool is_nan = values[i] != values[i];
      if (!is_nan && (best < 0 || values[i] > values[best])) best = i;
    }
    out.i32()[row] = static_cast<int32_t>(std::max<int64_t>(best, 0));
  });
}

void CpuBackend::prepare_rows(Tensor x, bool int8) {
  MOEBIUS_CHECK(x.rows >= 1 && x.rows <= max_rows_);
  for (int64_t row = 0; row < x.rows; ++row) {
    const ActivationRow dense = {x.row(row), nullptr, nullptr, nullptr, nullptr};
    x_rows_[static_cast<size_t>(row)] = int8 ? quantized_x_.in(row, x.row(row)) : dense;
  }
  if (!int8) return;
  for_each(x.rows, [&](int64_t row, int) { kernels_->quantize_row(quantized_x_.out(row), x.row(row), x.cols); });
}

}  // namespace moebius::cpu
