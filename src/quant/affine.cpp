// The affine format in plain loops: bit streams of codes, decode, and MLX's encoder to the byte. No packed layouts and
// no intrinsics live here; the loops are merely written so that a compiler can vectorize them, because `quantize` runs
// them over gigabytes. All arithmetic is f32 and never contracted: one fused multiply-add more or less changes codes.
#include "quant/affine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace moebius {
namespace {

constexpr int kMaxGroup = 128;
constexpr int kUnit = 8;              // eight codes of any width fill whole bytes: `bits` of them
constexpr float kMinScale = 1e-7f;    // MLX's eps: keeps constant groups away from division by zero
constexpr float kTwo23 = 8388608.0f;  // added to 0 <= x < 2^22, leaves round-half-even(x) in the low mantissa bits

static_assert(std::endian::native == std::endian::little, "packed codes are read as little-endian words");

template <typename Word>
uint64_t load_word(const std::byte* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// kBytes bytes by whole words: copied into one word, an odd number of them would wait for two stores.
template <int kBytes>
uint64_t load_bytes(const std::byte* p) {
  if constexpr (kBytes == 8) {
    return load_word<uint64_t>(p);
  } else if constexpr (kBytes > 4) {
    return load_word<uint32_t>(p) | load_bytes<kBytes - 4>(p + 4) << 32;
  } else if constexpr (kBytes == 4) {
    return load_word<uint32_t>(p);
  } else if constexpr (kBytes == 3) {
    return load_word<uint16_t>(p) | load_word<uint8_t>(p + 2) << 16;
  } else if constexpr (kBytes == 2) {
    return load_word<uint16_t>(p);
  } else {
    return load_word<uint8_t>(p);
  }
}

// Runs of kCodes codes of kBits bits, each run at the start of 8 * kCodes bits: the upper half of the codes moves up to
// the middle of its run. Three times, and eight codes have a byte each.
template <int kBits, int kCodes>
uint64_t move_upper_half(uint64_t x) {
  constexpr int kHalf = kCodes / 2 * kBits;
  constexpr int kMiddle = kCodes / 2 * 8;
  uint64_t low = (uint64_t{1} << kHalf) - 1;
  for (int run = 2 * kMiddle; run < 64; run *= 2) low |= low << run;
  return (x & low) | ((x >> kHalf & low) << kMiddle);
}

template <int kBits>
void unpack(uint8_t* codes, const std::byte* packed, size_t count) {
  for (size_t i = 0; i < count; i += kUnit, packed += kBits) {
    uint64_t stream = load_bytes<kBits>(packed);
    stream = move_upper_half<kBits, 8>(stream);
    stream = move_upper_half<kBits, 4>(stream);
    stream = move_upper_half<kBits, 2>(stream);
    std::memcpy(codes + i, &stream, kUnit);
  }
}

template <int kBits>
void pack(std::byte* packed, const uint8_t* codes, size_t count) {
  for (size_t i = 0; i < count; i += kUnit, packed += kBits) {
    uint64_t stream = 0;
    for (int k = 0; k < kUnit; ++k) stream |= static_cast<uint64_t>(codes[i + k]) << (k * kBits);
    std::memcpy(packed, &stream, kBits);
  }
}

// Calls function.operator()<bits>(): one instance for each width that exists.
template <typename Function>
void with_bits(int bits, const Function& function) {
  switch (bits) {
    case 2:
      return function.template operator()<2>();
    case 3:
      return function.template operator()<3>();
    case 4:
      return function.template operator()<4>();
    case 5:
      return function.template operator()<5>();
    case 6:
      return function.template operator()<6>();
    case 8:
      return function.template operator()<8>();
    default:
      MOEBIUS_CHECK(!"a width that affine quantization has");
  }
}

struct Range {
  float min, max;
};

// Eight independent lanes, so that the chain of comparisons does not wait for itself; order does not matter to min,
// max.
Range range(const float* w, int64_t count) {
  std::array<float, kUnit> low, high;
  std::copy_n(w, kUnit, low.begin());
  std::copy_n(w, kUnit, high.begin());
  for (int64_t i = kUnit; i < count; i += kUnit) {
    for (int k = 0; k < kUnit; ++k) {
      low[k] = w[i + k] < low[k] ? w[i + k] : low[k];
      high[k] = w[i + k] > high[k] ? w[i + k] : high[k];
    }
  }
  return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}

struct ScaleBias {
  float scale, bias;
};

// The extreme of larger magnitude becomes the bias, exactly code 0, and the scale is bent so that zero falls on the
// grid.
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

bool is_valid(const AffineFormat& format) {
  const int bits = format.bits;
  const int group = format.group;
  return bits >= 2 && bits <= 8 && bits != 7 && (group == 32 || group == 64 || group == 128) &&
         is_float(format.scale_dtype);
}

int64_t code_row_bytes(const AffineFormat& format, int64_t cols) { return cols * format.bits / 8; }

int64_t scale_row_bytes(const AffineFormat& format, int64_t cols) {
  return cols / format.group * size_bytes(format.scale_dtype);
}

void unpack_codes(std::span<uint8_t> codes, std::span<const std::byte> packed, int bits) {
  MOEBIUS_CHECK(codes.size() % kUnit == 0 && packed.size() * 8 == codes.size() * bits);
  with_bits(bits, [&]<int kBits>() { unpack<kBits>(codes.data(), packed.data(), codes.size()); });
}

void pack_codes(std::span<std::byte> packed, std::span<const uint8_t> codes, int bits) {
  MOEBIUS_CHECK(codes.size() % kUnit == 0 && packed.size() * 8 == codes.size() * bits);
  with_bits(bits, [&]<int kBits>() { pack<kBits>(packed.data(), codes.data(), codes.size()); });
}

void dequantize_row(std::span<float> w, const AffineRow& row, const AffineFormat& format) {
  MOEBIUS_CHECK(is_valid(format) && w.size() % format.group == 0);
  const int64_t groups = static_cast<int64_t>(w.size()) / format.group;
  const int64_t group_bytes = code_row_bytes(format, format.group);
  std::array<uint8_t, kMaxGroup> codes;
  for (int64_t g = 0; g < groups; ++g) {
    unpack_codes(std::span(codes).first(format.group), {row.codes + g * group_bytes, static_cast<size_t>(group_bytes)},
                 format.bits);
    const float scale = load_f32(row.scales, format.scale_dtype, g);
    const float bias = load_f32(row.biases, format.scale_dtype, g);
    float* out = w.data() + g * format.group;
    for (int i = 0; i < format.group; ++i) out[i] = __builtin_fmaf(static_cast<float>(codes[i]), scale, bias);
  }
}

void quantize_row(std::byte* codes, std::byte* scales, std::byte* biases, std::span<const float> w,
                  const AffineFormat& format) {
  MOEBIUS_CHECK(is_valid(format) && w.size() % format.group == 0);
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

}  // namespace moebius
