// Tests the affine encoder on examples small enough to check by hand. affine_golden_test.cpp compares whole matrices
// with MLX's own bytes.
#include "quant/affine.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "quant/codes.h"
#include "quant/testing/hex.h"

namespace moebius::internal {
namespace {

constexpr int kWidths[] = {2, 3, 4, 5, 6, 8};

struct Encoded {
  std::vector<std::byte> codes;
  float scale = 0, bias = 0;  // of the first group
};

Encoded encode(const std::vector<float>& w, const QuantFormat& format) {
  const auto cols = static_cast<int64_t>(w.size());
  Encoded row;
  row.codes.resize(code_row_bytes(format, cols));
  std::vector<std::byte> scales(scale_row_bytes(format, cols)), biases(scale_row_bytes(format, cols));
  quantize_row(row.codes.data(), scales.data(), biases.data(), w, format);
  row.scale = load_f32(scales.data(), format.scale_dtype, 0);
  row.bias = load_f32(biases.data(), format.scale_dtype, 0);
  return row;
}

std::vector<uint8_t> unpacked(const std::vector<std::byte>& packed, int bits) {
  std::vector<uint8_t> codes(packed.size() * 8 / bits);
  unpack_codes(codes, packed, bits);
  return codes;
}

TEST(Encode, ramp_with_ties_rounds_to_even) {
  std::vector<float> w(32);
  for (int i = 0; i < 32; ++i) w[i] = -1.0f + static_cast<float>(i) / 16.0f;

  const Encoded four = encode(w, {4, 32, DType::kF32});
  EXPECT_EQ(four.scale, 0.125f);
  EXPECT_EQ(four.bias, -1.0f);
  EXPECT_EQ(testing::hex(four.codes), "00 21 22 43 44 65 66 87 88 a9 aa cb cc ed ee ff");

  const Encoded three = encode(w, {3, 32, DType::kBF16});
  EXPECT_EQ(three.scale, 0.25f);
  EXPECT_EQ(three.bias, -1.0f);
  EXPECT_EQ(testing::hex(three.codes), "00 92 48 92 b6 91 24 db da b6 ff ff");
}

TEST(Encode, larger_positive_extreme_gives_a_negative_scale_and_code_zero) {
  std::vector<float> w(32, 0.0f);
  w[0] = 0.5f, w[1] = -0.25f, w[2] = 0.75f, w[3] = 1.0f;
  const Encoded row = encode(w, {4, 32, DType::kF32});
  EXPECT_EQ(row.scale, 1.0f / -12.0f);
  EXPECT_EQ(row.bias, 1.0f);
  EXPECT_EQ(testing::hex(std::span(row.codes).first(4)), "f6 03 cc cc");
}

TEST(Encode, constant_groups_have_the_smallest_scale_and_code_zero) {
  for (const float value : {0.0f, -0.0f, 0.3f}) {
    for (const int bits : kWidths) {
      const Encoded row = encode(std::vector<float>(64, value), {bits, 64, DType::kF32});
      EXPECT_EQ(row.bias, value);
      EXPECT_EQ(unpacked(row.codes, bits), std::vector<uint8_t>(64, 0)) << bits << " bits of " << value;
    }
  }
  EXPECT_EQ(encode(std::vector<float>(64, 0.0f), {4, 64, DType::kF32}).scale, -1e-7f);
}

TEST(Encode, zero_lands_on_the_grid_of_every_mixed_group) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (const int bits : kWidths) {
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<float> w(64);
      for (float& x : w) x = normal(random);
      w[trial] = 0.0f;
      const Encoded row = encode(w, {bits, 64, DType::kF32});
      const float zero = __builtin_fmaf(unpacked(row.codes, bits)[trial], row.scale, row.bias);
      EXPECT_NEAR(zero, 0.0f, 1e-6f) << bits << " bits";
    }
  }
}

}  // namespace
}  // namespace moebius::internal
