// The affine formats on examples small enough to check by hand. Whole matrices against MLX's own bytes:
// affine_golden_test.cpp.
#include "quant/affine.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace moebius {
namespace {

constexpr int kWidths[] = {2, 3, 4, 5, 6, 8};

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[std::to_integer<int>(b) >> 4], kDigits[std::to_integer<int>(b) & 15], ' '};
  }
  if (!text.empty()) text.pop_back();
  return text;
}

struct Encoded {
  std::vector<std::byte> codes;
  float scale = 0, bias = 0;  // of the first group
};

Encoded encode(const std::vector<float>& w, const AffineFormat& format) {
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

TEST(Pack, CountingUpGivesTheBytesOfTheSpecification) {
  struct Case {
    int bits;
    const char* bytes;
  };
  const Case cases[] = {
      {2, "e4 e4 e4 e4"},    {3, "88 c6 fa 88 c6 fa"}, {4, "10 32 54 76"},
      {5, "20 88 41 8a 39"}, {6, "40 20 0c 44 61 1c"}, {8, "00 01 02 03"},
  };
  for (const Case& c : cases) {
    std::vector<uint8_t> codes(32);
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i % (1u << c.bits));
    std::vector<std::byte> packed(codes.size() * c.bits / 8);
    pack_codes(packed, codes, c.bits);
    EXPECT_EQ(hex(packed).substr(0, std::strlen(c.bytes)), c.bytes) << c.bits << " bits";
  }
}

TEST(Pack, UnpackingGivesBackEveryRowLength) {
  std::mt19937 random(1);
  for (const int bits : kWidths) {
    for (size_t cols = 32; cols <= 1024; cols += 32) {
      std::vector<uint8_t> codes(cols);
      for (uint8_t& code : codes) code = static_cast<uint8_t>(random() % (1u << bits));
      std::vector<std::byte> packed(cols * bits / 8);
      pack_codes(packed, codes, bits);
      EXPECT_EQ(unpacked(packed, bits), codes) << bits << " bits, " << cols << " columns";
    }
  }
}

TEST(Encode, RampWithTiesRoundsToEven) {
  std::vector<float> w(32);
  for (int i = 0; i < 32; ++i) w[i] = -1.0f + static_cast<float>(i) / 16.0f;

  const Encoded four = encode(w, {4, 32, DType::kF32});
  EXPECT_EQ(four.scale, 0.125f);
  EXPECT_EQ(four.bias, -1.0f);
  EXPECT_EQ(hex(four.codes), "00 21 22 43 44 65 66 87 88 a9 aa cb cc ed ee ff");

  const Encoded three = encode(w, {3, 32, DType::kBF16});
  EXPECT_EQ(three.scale, 0.25f);
  EXPECT_EQ(three.bias, -1.0f);
  EXPECT_EQ(hex(three.codes), "00 92 48 92 b6 91 24 db da b6 ff ff");
}

TEST(Encode, LargerPositiveExtremeGivesANegativeScaleAndCodeZero) {
  std::vector<float> w(32, 0.0f);
  w[0] = 0.5f, w[1] = -0.25f, w[2] = 0.75f, w[3] = 1.0f;
  const Encoded row = encode(w, {4, 32, DType::kF32});
  EXPECT_EQ(row.scale, 1.0f / -12.0f);
  EXPECT_EQ(row.bias, 1.0f);
  EXPECT_EQ(hex(std::span(row.codes).first(4)), "f6 03 cc cc");
}

TEST(Encode, ConstantGroupsHaveTheSmallestScaleAndCodeZero) {
  for (const float value : {0.0f, -0.0f, 0.3f}) {
    for (const int bits : kWidths) {
      const Encoded row = encode(std::vector<float>(64, value), {bits, 64, DType::kF32});
      EXPECT_EQ(row.bias, value);
      EXPECT_EQ(unpacked(row.codes, bits), std::vector<uint8_t>(64, 0)) << bits << " bits of " << value;
    }
  }
  EXPECT_EQ(encode(std::vector<float>(64, 0.0f), {4, 64, DType::kF32}).scale, -1e-7f);
}

TEST(Encode, ZeroLandsOnTheGridOfEveryMixedGroup) {
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

TEST(Decode, UsesTheScaleAndBiasOfEachGroupWithOneRounding) {
  const AffineFormat format{8, 32, DType::kF32};
  std::vector<uint8_t> codes(64, 255);
  std::vector<std::byte> packed(64);
  pack_codes(packed, codes, 8);
  const float scales[] = {-0.1f, 0.7f}, biases[] = {25.5f, -3.0f};
  std::vector<float> w(64);
  dequantize_row(w, {packed.data(), std::as_bytes(std::span(scales)).data(), std::as_bytes(std::span(biases)).data()},
                 format);
  EXPECT_EQ(w[31], __builtin_fmaf(255.0f, -0.1f, 25.5f));
  EXPECT_NE(w[31], 0.0f);  // what rounding the product first would give
  EXPECT_EQ(w[32], __builtin_fmaf(255.0f, 0.7f, -3.0f));
}

TEST(Format, OnlyPublishedWidthsGroupsAndScaleTypesAreValid) {
  for (int bits = 0; bits <= 9; ++bits) {
    const bool exists = std::find(std::begin(kWidths), std::end(kWidths), bits) != std::end(kWidths);
    EXPECT_EQ(is_valid({bits, 64, DType::kBF16}), exists) << bits << " bits";
  }
  for (const int group : {0, 16, 48, 256, -32}) EXPECT_FALSE(is_valid({4, group, DType::kBF16})) << group;
  for (const int group : {32, 64, 128}) EXPECT_TRUE(is_valid({4, group, DType::kF16})) << group;
  EXPECT_FALSE(is_valid({4, 64, DType::kU8}));
}

}  // namespace
}  // namespace moebius
