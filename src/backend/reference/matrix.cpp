// How a stored row becomes numbers: dense rows are widened, affine rows decoded by the specification in quant/affine.h.
// No arithmetic on activations lives here.
#include "backend/reference/matrix.h"

#include <fmt/format.h>

#include "base/check.h"
#include "moebius/error.h"

namespace moebius::reference {
namespace {

void check_format(const MatrixSpec& spec) {
  const WeightFormat& format = spec.format;
  if (!format.is_affine()) {
    if (is_float(format.dtype)) return;
    throw Error(ErrorCode::kUnsupported, spec.name, fmt::format("weights of dtype {}", name(format.dtype)),
                "use F32, F16, BF16 or affine codes");
  }
  if (!is_valid(format.affine) || !is_float(format.affine.scale_dtype)) {
    throw Error(ErrorCode::kUnsupported, spec.name,
                fmt::format("affine format of {} bits, group {}, scales {}", format.affine.bits, format.affine.group,
                            name(format.affine.scale_dtype)),
                "use 2, 3, 4, 5, 6 or 8 bits, group 32, 64 or 128");
  }
  if (spec.cols % format.affine.group != 0) {
    throw Error(ErrorCode::kUnsupported, spec.name,
                fmt::format("{} inputs are not a multiple of the group {}", spec.cols, format.affine.group),
                "keep this matrix unquantized or choose a smaller group");
  }
}

}  // namespace

StoredMatrix::StoredMatrix(const MatrixSpec& spec, const RowSource& source)
    : rows_(spec.rows), cols_(spec.cols), format_(spec.format) {
  MOEBIUS_CHECK(spec.rows > 0 && spec.cols > 0);
  check_format(spec);
  activations_ = format_.is_affine() ? spec.activations : ActivationKind::kF32;
  weight_row_bytes_ = format_.weight_row_bytes(cols_);
  scale_row_bytes_ = format_.scale_row_bytes(cols_);
  weights_.resize(rows_ * weight_row_bytes_);
  scales_.resize(rows_ * scale_row_bytes_);
  biases_.resize(rows_ * scale_row_bytes_);
  const bool affine = format_.is_affine();
  source.read(0, rows_, {weights_.data(), affine ? scales_.data() : nullptr, affine ? biases_.data() : nullptr});
}

void StoredMatrix::decode(std::span<float> w, int64_t row) const {
  MOEBIUS_CHECK(row >= 0 && row < rows_ && static_cast<int64_t>(w.size()) == cols_);
  const std::byte* weights = weights_.data() + row * weight_row_bytes_;
  if (format_.is_affine()) {
    const int64_t at = row * scale_row_bytes_;
    dequantize_row(w, {weights, scales_.data() + at, biases_.data() + at}, format_.affine);
  } else {
    for (int64_t k = 0; k < cols_; ++k) w[k] = load_f32(weights, format_.dtype, k);
  }
}

void StoredMatrix::decode_codes(std::span<uint8_t> codes, int64_t row) const {
  MOEBIUS_CHECK(format_.is_affine() && row >= 0 && row < rows_);
  const std::span<const std::byte> packed(weights_.data() + row * weight_row_bytes_, weight_row_bytes_);
  unpack_codes(codes, packed, format_.affine.bits);
}

void StoredMatrix::decode_scales(std::span<float> scales, std::span<float> biases, int64_t row) const {
  MOEBIUS_CHECK(format_.is_affine() && row >= 0 && row < rows_);
  const int64_t at = row * scale_row_bytes_;
  const DType dtype = format_.affine.scale_dtype;
  for (int64_t g = 0; g < cols_ / format_.affine.group; ++g) {
    scales[g] = load_f32(scales_.data() + at, dtype, g);
    biases[g] = load_f32(biases_.data() + at, dtype, g);
  }
}

}  // namespace moebius::reference
