// The modes in which MLX quantizes matrices, by their names in config.json. What their bytes mean: src/quant.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius::internal {

enum class QuantMode : uint8_t {
  kAffine,  // W = scale * code + bias
  kMxfp4,   // W = scale * element, of 4 bits; no biases
};

constexpr std::string_view name(QuantMode mode) { return mode == QuantMode::kMxfp4 ? "mxfp4" : "affine"; }

}  // namespace moebius::internal
