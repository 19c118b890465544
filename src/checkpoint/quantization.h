// The quantization block of config.json: which modules of an MLX checkpoint are quantized and how, with per-module
// overrides by mlx-lm's rules (an override object does not inherit from the global block, so that it is affine where it
// names no mode; `false` means not quantized; a module without an entry is quantized iff it has scales). Knows no
// model. Fuzzed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/quant_mode.h"

namespace moebius::internal {

struct QuantizationParams {
  int bits = 4;
  int group = 64;
  QuantMode mode = QuantMode::kAffine;
};

// Whether a module has `.scales` in the files.
enum class Scales : uint8_t { kAbsent, kPresent };

class QuantizationConfig {
 public:
  QuantizationConfig() = default;  // nothing is quantized

  // root: config.json as a whole (keys `quantization`, `quantization_config`, at the root or in text_config).
  // Throws kBadConfig for values that cannot be (bits = 7, group_size = 3), kUnsupported for other modes and methods,
  // naming them and the way out.
  static QuantizationConfig parse(const Json& root, const std::string& where);

  [[nodiscard]] bool any() const { return global_.has_value(); }

  // module: canonical path without `.weight` ("model.layers.0.mlp.gate"). nullopt: the module is not quantized.
  // Throws kBadConfig when an entry says false and there are scales, or the reverse.
  [[nodiscard]] std::optional<QuantizationParams> lookup(std::string_view module, Scales scales) const;

 private:
  std::optional<QuantizationParams> global_;
  std::map<std::string, std::optional<QuantizationParams>, std::less<>> overrides_;
};

}  // namespace moebius::internal
