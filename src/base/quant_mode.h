// The modes in which MLX quantizes matrices, and their names in config.json. src/quant says what their bytes mean.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius::internal {

enum class QuantMode : uint8_t {
  kAffine,  // W = scale * code + bias
  kMxfp4,   // W = scale * element; an element has 4 bits; there are no biases
};

constexpr std::string_view name(QuantMode mode) { return mode == QuantMode::kMxfp4 ? "mxfp4" : "affine"; }

}  // namespace moebius::internal
