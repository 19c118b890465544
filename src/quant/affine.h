// The encoder of MLX affine quantization, byte exact and scalar: W[o, i] = scales[o, i / group] * q[o, i] + biases[o, i
// / group]. Source: MLX, backend/cpu/quantized.cpp and ops.cpp (affine_quantize). Ties round to even as on MLX's CPU
// (its Metal kernel rounds them away from zero).
#pragma once

#include <cstddef>
#include <span>

#include "quant/format.h"

namespace moebius::internal {

// Encodes the row w as MLX on a CPU encodes values of dtype scale_dtype; w holds those values widened. `codes` has
// code_row_bytes, `scales` and `biases` have scale_row_bytes each.
void quantize_row(std::byte* codes, std::byte* scales, std::byte* biases, std::span<const float> w,
                  const QuantFormat& format);

}  // namespace moebius::internal
