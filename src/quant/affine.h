// MLX affine quantization, byte exact and scalar: the encoder. W[o, i] = scales[o, i / group] * q[o, i] + biases[o, i /
// group]. Source: MLX, backend/cpu/quantized.cpp and ops.cpp (affine_quantize); ties round to even as on MLX's CPU (its
// Metal kernel rounds them away from zero).
#pragma once

#include <cstddef>
#include <span>

#include "quant/format.h"

namespace moebius::internal {

// Encodes w, one row, as MLX does on a CPU from values of dtype scale_dtype (w holds them widened).
// codes: code_row_bytes, scales and biases: scale_row_bytes each.
void quantize_row(std::byte* codes, std::byte* scales, std::byte* biases, std::span<const float> w,
                  const QuantFormat& format);

}  // namespace moebius::internal
