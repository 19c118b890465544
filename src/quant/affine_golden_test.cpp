// Tests the affine encoder against MLX's bytes, for every width x group x dtype, and the decoder against MLX's values.
// tests/golden/make_quant.py makes the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "quant/affine.h"
#include "quant/codes.h"
#include "quant/dequantize.h"
#include "quant/testing/golden_file.h"

namespace moebius::internal {
namespace {

const testing::GoldenFile& golden() {
  static const testing::GoldenFile file("affine.safetensors");
  return file;
}

struct NamedDType {
  const char* name;
  DType dtype;
};

class Golden : public ::testing::TestWithParam<std::tuple<NamedDType, int, int>> {
 protected:
  Golden() {
    const auto& [dtype, bits, group] = GetParam();
    format_ = {bits, group, dtype.dtype};
    weight_ = std::string(dtype.name) + ".weight";
    prefix_ = std::string(dtype.name) + ".b" + std::to_string(bits) + ".g" + std::to_string(group);
  }

  QuantFormat format_;
  std::string weight_, prefix_;
};

TEST_P(Golden, encoded_bytes_are_those_of_mlx) {
  const auto& weight = golden().bytes(weight_);
  const auto& codes = golden().bytes(prefix_ + ".codes");
  const auto& scales = golden().bytes(prefix_ + ".scales");
  const auto& biases = golden().bytes(prefix_ + ".biases");
  const int64_t cols = golden().cols(weight_);
  const int64_t code_bytes = code_row_bytes(format_, cols), scale_bytes = scale_row_bytes(format_, cols);
  ASSERT_EQ(codes.size(), golden().rows(weight_) * code_bytes);
  ASSERT_EQ(scales.size(), golden().rows(weight_) * scale_bytes);

  for (int64_t row = 0; row < golden().rows(weight_); ++row) {
    std::vector<float> w(cols);
    for (int64_t i = 0; i < cols; ++i) w[i] = load_f32(weight.data(), format_.scale_dtype, row * cols + i);
    std::vector<std::byte> our_codes(code_bytes), our_scales(scale_bytes), our_biases(scale_bytes);
    quantize_row(our_codes.data(), our_scales.data(), our_biases.data(), w, format_);
    EXPECT_TRUE(std::equal(our_codes.begin(), our_codes.end(), codes.begin() + row * code_bytes)) << "codes " << row;
    EXPECT_TRUE(std::equal(our_scales.begin(), our_scales.end(), scales.begin() + row * scale_bytes))
        << "scale " << row;
    EXPECT_TRUE(std::equal(our_biases.begin(), our_biases.end(), biases.begin() + row * scale_bytes)) << "bias " << row;
  }
}

constexpr int kAllBits[] = {2, 3, 4, 5, 6, 8};
constexpr int kAllGroups[] = {32, 64, 128};
constexpr NamedDType kAllDTypes[] = {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}};

std::string case_name(const ::testing::TestParamInfo<Golden::ParamType>& info) {
  const auto& [dtype, bits, group] = info.param;
  return std::string(dtype.name) + "_" + std::to_string(bits) + "bit_group" + std::to_string(group);
}

INSTANTIATE_TEST_SUITE_P(Mlx, Golden,
                         ::testing::Combine(::testing::ValuesIn(kAllDTypes), ::testing::ValuesIn(kAllBits),
                                            ::testing::ValuesIn(kAllGroups)),
                         case_name);

class GoldenDecode : public Golden {};

// MLX on a CPU rounds q * s and then the sum; moebius rounds once (N2). Two roundings therefore reproduce MLX's bits.
// Our values are nearer to the exact ones, by at most half an ulp of the product and one of the sum.
TEST_P(GoldenDecode, decoded_values_differ_from_mlx_by_the_rounding_of_the_product_only) {
  const auto& decoded = golden().bytes(prefix_ + ".decoded");
  const auto* codes = golden().bytes(prefix_ + ".codes").data();
  const auto* scales = golden().bytes(prefix_ + ".scales").data();
  const auto* biases = golden().bytes(prefix_ + ".biases").data();
  const int64_t cols = golden().cols(weight_);
  const int64_t code_bytes = code_row_bytes(format_, cols), scale_bytes = scale_row_bytes(format_, cols);

  for (int64_t row = 0; row < golden().rows(prefix_ + ".decoded"); ++row) {
    std::vector<float> ours(cols);
    const QuantRow packed{codes + row * code_bytes, scales + row * scale_bytes, biases + row * scale_bytes};
    dequantize_row(ours, packed, format_);
    std::vector<uint8_t> q(cols);
    unpack_codes(q, {packed.codes, static_cast<size_t>(code_bytes)}, format_.bits);
    for (int64_t i = 0; i < cols; ++i) {
      const float mlx = load_f32(decoded.data(), DType::kF32, row * cols + i);
      const float product = q[i] * load_f32(packed.scales, DType::kF32, i / format_.group);
      const float bias = load_f32(packed.biases, DType::kF32, i / format_.group);
      EXPECT_EQ(product + bias, mlx) << "row " << row << " column " << i;
      const float bound = std::ldexp(std::fabs(product), -24) + std::ldexp(std::fabs(mlx), -23);
      EXPECT_LE(std::fabs(ours[i] - mlx), bound) << "row " << row << " column " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mlx, GoldenDecode,
                         ::testing::Combine(::testing::Values(kAllDTypes[0]), ::testing::ValuesIn(kAllBits),
                                            ::testing::ValuesIn(kAllGroups)),
                         case_name);

}  // namespace
}  // namespace moebius::internal
