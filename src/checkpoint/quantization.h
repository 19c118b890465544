// The quantization block of config.json: which modules of an MLX checkpoint are quantized and how. Overrides of single
// modules follow the rules of mlx-lm. An override object does not inherit from the global block, so that it is affine
// when it names no mode. `false` means not quantized. A module without an entry is quantized iff it has scales. This
// file knows no model. The parser is fuzzed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/quant_mode.h"

namespace moebius::internal {

// What to do about weights in a format that moebius does not run.
constexpr const char* kOtherFormatHint =
    "use the unquantized checkpoint (`moebius quantize` can shrink it) or an MLX conversion of mode affine or mxfp4";

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

  // root: config.json as a whole (keys `quantization`, `quantization_config`, at the root or in text_config). Throws
  // kBadConfig for values that cannot be (bits = 7, group_size = 3) and kUnsupported for other modes and methods. The
  // messages name the value and the way out.
  static QuantizationConfig parse(const Json& root, const std::string& where);

  [[nodiscard]] bool any() const { return global_.has_value(); }

  // module: canonical path without `.weight` ("model.layers.0.mlp.gate"). Returns nullopt when the module is not
  // quantized. Throws kBadConfig when config.json and the scales in the files contradict each other.
  [[nodiscard]] std::optional<QuantizationParams> lookup(std::string_view module, Scales scales) const;

 private:
  std::optional<QuantizationParams> global_;
  std::map<std::string, std::optional<QuantizationParams>, std::less<>> overrides_;
};

}  // namespace moebius::internal
