// Decoding of stored rows: dense rows are widened, quantized rows are decoded by the specification in
// quant/dequantize.h. Arithmetic on activations is in matmul.cpp.
#include "backend/reference/matrix.h"

#include <fmt/format.h>

#include "base/check.h"
#include "moebius/error.h"
#include "quant/dequantize.h"

namespace moebius::internal::reference {
namespace {

void check_format(const MatrixSpec& spec) {
  const WeightFormat& format = spec.format;
  if (!format.is_quantized()) {
    if (is_float(format.dtype)) return;
    throw Error(ErrorCode::kUnsupported, spec.name, fmt::format("weights of dtype {}", name(format.dtype)),
                "use F32, F16, BF16 or quantized weights");
  }
  if (!is_valid(format.quant)) {
    throw Error(ErrorCode::kUnsupported, spec.name,
                fmt::format("{} weights of {}", name(format.quant.mode), to_string(format.quant)),
                "use mxfp4, or affine weights of 2, 3, 4, 5, 6 or 8 bits in groups of 32, 64 or 128");
  }
  if (spec.cols % format.quant.group != 0) {
    throw Error(ErrorCode::kUnsupported, spec.name,
                fmt::format("{} inputs are not a multiple of the group {}", spec.cols, format.quant.group),
                "keep this matrix unquantized or choose a smaller group");
  }
}

}  // namespace

StoredMatrix::StoredMatrix(const MatrixSpec& spec, const RowSource& source)
    : rows_(spec.rows), cols_(spec.cols), format_(spec.format) {
  MOEBIUS_CHECK(spec.rows > 0 && spec.cols > 0);
  check_format(spec);
  activations_ = format_.is_quantized() ? spec.activations : ActivationKind::kF32;
  const auto allocate = [&](std::vector<std::byte>& bytes, int64_t row_bytes) {
    bytes.resize(rows_ * row_bytes);
    return row_bytes > 0 ? bytes.data() : nullptr;
  };
  source.read(0, rows_,
              {allocate(weights_, format_.weight_row_bytes(cols_)), allocate(scales_, format_.scale_row_bytes(cols_)),
               allocate(biases_, format_.bias_row_bytes(cols_))});
}

QuantRow StoredMatrix::quant_row(int64_t row) const {
  MOEBIUS_CHECK(format_.is_quantized() && row >= 0 && row < rows_);
  return {weights_.data() + row * format_.weight_row_bytes(cols_),
          scales_.data() + row * format_.scale_row_bytes(cols_), biases_.data() + row * format_.bias_row_bytes(cols_)};
}

void StoredMatrix::decode(std::span<float> w, int64_t row) const {
  MOEBIUS_CHECK(row >= 0 && row < rows_ && static_cast<int64_t>(w.size()) == cols_);
  if (format_.is_quantized()) return dequantize_row(w, quant_row(row), format_.quant);
  const std::byte* weights = weights_.data() + row * format_.weight_row_bytes(cols_);
  for (int64_t k = 0; k < cols_; ++k) w[k] = load_f32(weights, format_.dtype, k);
}

void StoredMatrix::decode_codes(std::span<uint8_t> q, int64_t row) const {
  moebius::internal::decode_codes(q, quant_row(row).codes, format_.quant);
}

void StoredMatrix::decode_scales(std::span<float> scales, std::span<float> biases, int64_t row) const {
  const QuantRow packed = quant_row(row);
  for (int64_t g = 0; g < cols_ / format_.quant.group; ++g) {
    const ScaleBias decoded = decode_scale(packed, format_.quant, g);
    scales[g] = decoded.scale;
    biases[g] = decoded.bias;
  }
}

}  // namespace moebius::internal::reference
