// See dequantize.h.
#include "quant/dequantize.h"

#include <array>
#include <cmath>

#include "base/check.h"
#include "quant/codes.h"
#include "quant/mxfp4.h"

namespace moebius::internal {
namespace {

constexpr int kMaxGroup = 128;
constexpr int kE8M0Bias = 127;

}  // namespace

void decode_codes(std::span<uint8_t> q, const std::byte* packed, const QuantFormat& format) {
  const auto bytes = static_cast<size_t>(code_row_bytes(format, static_cast<int64_t>(q.size())));
  unpack_codes(q, {packed, bytes}, format.bits);
  if (format.mode != QuantMode::kMxfp4) return;
  for (uint8_t& code : q) code = kMxfp4Codes[code];
}

ScaleBias decode_scale(const QuantRow& row, const QuantFormat& format, int64_t group) {
  if (format.mode == QuantMode::kMxfp4) {
    const float scale = std::ldexp(1.0f, std::to_integer<int>(row.scales[group]) - kE8M0Bias);
    return {kMxfp4ScaleFactor * scale, kMxfp4BiasFactor * scale};
  }
  return {load_f32(row.scales, format.scale_dtype, group), load_f32(row.biases, format.scale_dtype, group)};
}

void dequantize_row(std::span<float> w, const QuantRow& row, const QuantFormat& format) {
  MOEBIUS_CHECK(is_valid(format) && w.size() % format.group == 0);
  const int64_t groups = static_cast<int64_t>(w.size()) / format.group;
  const int64_t group_bytes = code_row_bytes(format, format.group);
  std::array<uint8_t, kMaxGroup> group_codes;
  const std::span<uint8_t> q = std::span(group_codes).first(format.group);
  for (int64_t g = 0; g < groups; ++g) {
    decode_codes(q, row.codes + g * group_bytes, format);
    const auto [scale, bias] = decode_scale(row, format, g);
    float* out = w.data() + g * format.group;
    for (int i = 0; i < format.group; ++i) out[i] = __builtin_fmaf(static_cast<float>(q[i]), scale, bias);
  }
}

}  // namespace moebius::internal
