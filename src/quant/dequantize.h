// Says what quantized bytes mean, in scalar code: the specification that packed layouts are checked against. Every mode
// decodes to w[i] = fma(float(q[i]), s, b) with s and b of its group. Affine bytes have this form already, and mxfp4 is
// brought to it exactly (mxfp4.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/format.h"

namespace moebius::internal {

// One packed row with its scales and biases (storage dtype; mxfp4 has no biases).
struct QuantRow {
  const std::byte* codes;
  const std::byte* scales;
  const std::byte* biases;
};

struct ScaleBias {
  float scale, bias;
};

// Decodes q of one row. `packed` is code_row_bytes long.
void decode_codes(std::span<uint8_t> q, const std::byte* packed, const QuantFormat& format);
// Decodes s and b of one group of a row.
ScaleBias decode_scale(const QuantRow& row, const QuantFormat& format, int64_t group);
// Decodes w of one row with w.size() inputs.
void dequantize_row(std::span<float> w, const QuantRow& row, const QuantFormat& format);

}  // namespace moebius::internal
