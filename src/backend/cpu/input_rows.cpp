// See input_rows.h.
#include "backend/cpu/input_rows.h"

#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::cpu {

void InputRows::reserve(int64_t rows, int64_t cols) {
  max_rows_ = rows;
  max_cols_ = cols;
  normed_ = Buffer(rows * cols * 4);
  quantized_.reserve(rows, cols);
  rows_.resize(static_cast<size_t>(rows));
}

std::span<const ActivationRow> InputRows::prepare(const Input& x, Form form) {
  const int64_t rows = x.x.rows;
  const int64_t cols = x.x.cols;
  MOEBIUS_CHECK(rows >= 1 && rows <= max_rows_ && cols <= max_cols_);
  const bool is_normed = x.norm.weight.has_memory();
  const bool is_int8 = form == Form::kF32AndInt8;
  MOEBIUS_CHECK(!is_normed || x.norm.weight.cols == cols);
  const HandedRows* handed = memory_.handed(x.quantized);
  const bool is_handed = is_int8 && handed != nullptr && handed->of == f32(x.x);
  const QuantizedStorage& quantized = is_handed ? handed->storage : quantized_;
  const std::span<const ActivationRow> prepared = std::span(rows_).first(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const float* values = is_normed ? normed_.as<float>() + row * cols : moebius::internal::row(x.x, row);
    const ActivationRow dense = {values, nullptr, nullptr, nullptr, nullptr};
    rows_[static_cast<size_t>(row)] = is_int8 ? quantized.in(row, values) : dense;
  }
  const bool has_work = is_normed || (is_int8 && !is_handed);
  if (!has_work) return prepared;
  workers_.for_each(rows, [&](int64_t row, int) {
    const float* values = moebius::internal::row(x.x, row);
    if (is_normed) {
      float* out = normed_.as<float>() + row * cols;
      workers_.kernels.rms_norm(out, values, f32(x.norm.weight), cols, x.norm.eps);
      values = out;
    }
    if (is_int8) workers_.kernels.quantize_row(quantized_.out(row), values, cols);
  });
  return prepared;
}

}  // namespace moebius::internal::cpu
