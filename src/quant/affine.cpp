// MLX's affine encoder, equal to the byte, in plain loops that a compiler can vectorize. All arithmetic is f32 and
// never contracted, because one fused multiply-add more or less changes codes.
#include "quant/affine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "quant/codes.h"
#include "quant/dequantize.h"

namespace moebius::internal {
namespace {

constexpr int kMaxGroup = 128;
constexpr int kLanes = 8;             // every group size is a multiple of it
constexpr float kMinScale = 1e-7f;    // MLX's eps keeps constant groups away from division by zero
constexpr float kTwo23 = 8388608.0f;  // added to 0 <= x < 2^22, leaves round-half-even(x) in the low mantissa bits

struct Range {
  float min, max;
};

// Returns the smallest and the largest weight. Eight independent lanes are used, so that the chain of comparisons does
// not wait for itself. The order of the weights does not matter to min and max.
Range range(const float* w, int64_t count) {
  std::array<float, kLanes> low, high;
  std::copy_n(w, kLanes, low.begin());
  std::copy_n(w, kLanes, high.begin());
  for (int64_t i = kLanes; i < count; i += kLanes) {
    for (int k = 0; k < kLanes; ++k) {
      low[k] = w[i + k] < low[k] ? w[i + k] : low[k];
      high[k] = w[i + k] > high[k] ? w[i + k] : high[k];
    }
  }
  return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}

// The extreme of larger magnitude becomes the bias, which is exactly code 0. The scale is adjusted so that zero falls
// on the grid.
ScaleBias choose_scale(Range r, float largest_code) {
  const bool negative_side = std::fabs(r.min) > std::fabs(r.max);
  const float edge = negative_side ? r.min : r.max;
  float scale = std::max((r.max - r.min) / largest_code, kMinScale);
  if (!negative_side) scale = -scale;
  const float zero_code = std::rint(edge / scale);
  if (zero_code == 0.0f) return {scale, 0.0f};
  return {edge / zero_code, edge};
}

void encode_group(uint8_t* codes, const float* w, int64_t count, ScaleBias sb, float largest_code) {
  for (int64_t i = 0; i < count; ++i) {
    float x = (w[i] - sb.bias) / sb.scale;
    x = x > 0.0f ? x : 0.0f;  // clamping before rounding gives the same code: rint is monotone and keeps both bounds
    x = x < largest_code ? x : largest_code;
    codes[i] = static_cast<uint8_t>(std::bit_cast<uint32_t>(x + kTwo23));
  }
}

}  // namespace

void quantize_row(std::byte* codes, std::byte* scales, std::byte* biases, std::span<const float> w,
                  const QuantFormat& format) {
  MOEBIUS_CHECK(is_valid(format) && format.mode == QuantMode::kAffine && w.size() % format.group == 0);
  const int64_t groups = static_cast<int64_t>(w.size()) / format.group;
  const int64_t group_bytes = code_row_bytes(format, format.group);
  const auto largest_code = static_cast<float>((1 << format.bits) - 1);
  std::array<uint8_t, kMaxGroup> group_codes;
  for (int64_t g = 0; g < groups; ++g) {
    const float* values = w.data() + g * format.group;
    const ScaleBias sb = choose_scale(range(values, format.group), largest_code);
    encode_group(group_codes.data(), values, format.group, sb, largest_code);
    pack_codes({codes + g * group_bytes, static_cast<size_t>(group_bytes)}, std::span(group_codes).first(format.group),
               format.bits);
    store_f32(scales, format.scale_dtype, g, sb.scale);
    store_f32(biases, format.scale_dtype, g, sb.bias);
  }
}

}  // namespace moebius::internal
