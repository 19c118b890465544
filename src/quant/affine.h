// MLX affine quantization, byte exact and scalar: the specification that packed layouts are checked against.
// W[o, i] = scales[o, i / group] * q[o, i] + biases[o, i / group]; a row of codes is one LSB-first bit stream
// (value i in bits [i * bits, (i + 1) * bits)), stored as little-endian u32 words. Source: MLX,
// backend/cpu/quantized.cpp and ops.cpp (affine_quantize); ties round to even as on MLX's CPU (its Metal kernel rounds
// them away from zero).
#pragma once

#include <cstdint>
#include <span>

#include "base/dtype.h"

namespace moebius {

struct AffineFormat {
  int bits = 4;    // 2, 3, 4, 5, 6 or 8
  int group = 64;  // inputs that share a scale and a bias: 32, 64 or 128
  DType scale_dtype = DType::kBF16;

  friend bool operator==(const AffineFormat&, const AffineFormat&) = default;
};

bool is_valid(const AffineFormat& format);

// Bytes of one row of `cols` inputs; cols is a multiple of the group.
int64_t code_row_bytes(const AffineFormat& format, int64_t cols);   // cols * bits / 8
int64_t scale_row_bytes(const AffineFormat& format, int64_t cols);  // cols / group * size(scale_dtype); biases likewise

// One row of packed codes <-> one byte a code.
void unpack_codes(std::span<uint8_t> codes, std::span<const std::byte> packed, int bits);
void pack_codes(std::span<std::byte> packed, std::span<const uint8_t> codes, int bits);

// One packed row with its scales and biases (storage dtype).
struct AffineRow {
  const std::byte* codes;
  const std::byte* scales;
  const std::byte* biases;
};

// w[i] = fma(float(q[i]), s, b), the decode of design N2. w.size() inputs.
void dequantize_row(std::span<float> w, const AffineRow& row, const AffineFormat& format);

// Encodes w, one row, as MLX does on a CPU from values of dtype scale_dtype (w holds them widened).
// codes: code_row_bytes, scales and biases: scale_row_bytes each.
void quantize_row(std::byte* codes, std::byte* scales, std::byte* biases, std::span<const float> w,
                  const AffineFormat& format);

}  // namespace moebius
