// The format in which the weights of a matrix are quantized, and how many bytes its rows take. dequantize.h says what
// the bytes mean.
#pragma once

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "base/quant_mode.h"

namespace moebius::internal {

struct QuantFormat {
  int bits = 4;                      // bits of a code. Affine: 2, 3, 4, 5, 6 or 8; mxfp4: 4
  int group = 64;                    // inputs that share a scale. Affine: 32, 64 or 128; mxfp4: 32
  DType scale_dtype = DType::kBF16;  // of scales and biases. Affine: a float; mxfp4: kU8
  QuantMode mode = QuantMode::kAffine;

  friend bool operator==(const QuantFormat&, const QuantFormat&) = default;
};

inline constexpr QuantFormat kMxfp4{4, 32, DType::kU8, QuantMode::kMxfp4};

bool is_valid(const QuantFormat& format);
std::string to_string(const QuantFormat& format);  // "3 bits, group 64, BF16 scales" or "mxfp4"

// The bytes of one row of `cols` inputs; cols is a multiple of the group.
int64_t code_row_bytes(const QuantFormat& format, int64_t cols);   // cols * bits / 8
int64_t scale_row_bytes(const QuantFormat& format, int64_t cols);  // cols / group * size(scale_dtype)
int64_t bias_row_bytes(const QuantFormat& format, int64_t cols);   // as many as the scales; mxfp4: 0

}  // namespace moebius::internal
