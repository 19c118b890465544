// Tests decoding on examples small enough to check by hand. *_golden_test.cpp compares whole matrices with MLX's own
// values.
#include "quant/dequantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "quant/codes.h"
#include "quant/mxfp4.h"

namespace moebius::internal {
namespace {

// Decodes E2M1 by its fields: a sign bit, two bits of exponent (0: subnormal), one bit of mantissa.
double element(int code) {
  const int exponent = code >> 1 & 3;
  const double half = (code & 1) / 2.0;
  const double magnitude = exponent == 0 ? half : std::ldexp(1 + half, exponent - 1);
  return (code & 8) != 0 ? -magnitude : magnitude;
}

// Decodes one group whose elements are the sixteen codes, twice.
std::vector<float> all_elements(uint8_t scale) {
  std::vector<std::byte> packed(16);
  for (int i = 0; i < 16; ++i) packed[i] = static_cast<std::byte>(i % 8 * 0x22 + 0x10);
  const auto scale_byte = static_cast<std::byte>(scale);
  std::vector<float> w(32);
  dequantize_row(w, {packed.data(), &scale_byte, nullptr}, kMxfp4);
  return w;
}

TEST(Decode, uses_the_scale_and_bias_of_each_group_with_one_rounding) {
  const QuantFormat format{8, 32, DType::kF32};
  std::vector<uint8_t> codes(64, 255);
  std::vector<std::byte> packed(64);
  pack_codes(packed, codes, 8);
  const float scales[] = {-0.1f, 0.7f}, biases[] = {25.5f, -3.0f};
  std::vector<float> w(64);
  dequantize_row(w, {packed.data(), std::as_bytes(std::span(scales)).data(), std::as_bytes(std::span(biases)).data()},
                 format);
  EXPECT_EQ(w[31], __builtin_fmaf(255.0f, -0.1f, 25.5f));
  EXPECT_NE(w[31], 0.0f);  // 0 is what rounding the product first would give
  EXPECT_EQ(w[32], __builtin_fmaf(255.0f, 0.7f, -3.0f));
}

TEST(Decode, every_element_of_mxfp4_under_every_scale_is_exact_and_zero_is_positive) {
  for (int scale = 0; scale <= kMxfp4LargestScale; ++scale) {
    const std::vector<float> w = all_elements(static_cast<uint8_t>(scale));
    for (int i = 0; i < 32; ++i) {
      EXPECT_EQ(w[i], std::ldexp(element(i % 16), scale - 127)) << "element " << i % 16 << ", scale " << scale;
      EXPECT_FALSE(w[i] == 0 && std::signbit(w[i])) << "element " << i % 16 << ", scale " << scale;
    }
  }
}

TEST(Decode, the_largest_scale_of_mxfp4_is_the_last_with_a_finite_bias) {
  const std::byte scales[] = {std::byte{kMxfp4LargestScale}, std::byte{kMxfp4LargestScale + 1}};
  EXPECT_TRUE(std::isfinite(decode_scale({nullptr, scales, nullptr}, kMxfp4, 0).bias));
  EXPECT_FALSE(std::isfinite(decode_scale({nullptr, scales, nullptr}, kMxfp4, 1).bias));
}

TEST(Decode, a_row_of_mxfp4_takes_the_scale_of_each_group) {
  const std::vector<std::byte> packed(32, std::byte{0x5a});  // -1 (code 10) and 3 (code 5), by turns
  const std::byte scales[] = {std::byte{126}, std::byte{129}};
  std::vector<float> w(64);
  dequantize_row(w, {packed.data(), scales, nullptr}, kMxfp4);
  EXPECT_EQ(w[30], -0.5f);
  EXPECT_EQ(w[31], 1.5f);
  EXPECT_EQ(w[32], -4.0f);
  EXPECT_EQ(w[33], 12.0f);
}

}  // namespace
}  // namespace moebius::internal
