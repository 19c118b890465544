// Tests that the generator of synthetic tensors makes any part at any time, and tests the distributions that it
// promises.
#include "convert/random_fill.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace moebius::internal {
namespace {

constexpr size_t kCount = 40000;

std::vector<std::byte> made(DType dtype, const Fill& fill, uint64_t key, uint64_t first = 0, size_t count = kCount) {
  std::vector<std::byte> out(count * static_cast<size_t>(size_bytes(dtype)));
  fill_random(out, dtype, fill, key, first);
  return out;
}

std::vector<float> floats(const Fill& fill, DType dtype = DType::kF32) {
  const std::vector<std::byte> bytes = made(dtype, fill, 1);
  std::vector<float> values(kCount);
  for (size_t i = 0; i < kCount; ++i) values[i] = load_f32(bytes.data(), dtype, static_cast<int64_t>(i));
  return values;
}

const std::pair<DType, Fill> kFills[] = {
    {DType::kU32, {FillKind::kBits}},
    {DType::kBF16, {FillKind::kUniform, 0.0f, 1.0f}},
    {DType::kBF16, {FillKind::kScale, 0, 1.0f}},
    {DType::kU8, {FillKind::kExponent, -6.0f, 0.25f}},
    {DType::kF16, {FillKind::kBias, 3.5f, 1.0f}},
    {DType::kF32, {FillKind::kDecay}},
    {DType::kF32, {FillKind::kTimeStep}},
};

TEST(RandomFill, a_part_is_that_part_of_the_whole) {
  for (const auto& [dtype, fill] : kFills) {
    const auto whole = made(dtype, fill, 42);
    for (const uint64_t first : {1, 2, 4097}) {
      const auto part = made(dtype, fill, 42, first, 100);
      const auto* expected = whole.data() + first * static_cast<uint64_t>(size_bytes(dtype));
      EXPECT_TRUE(std::equal(part.begin(), part.end(), expected)) << static_cast<int>(fill.kind) << " at " << first;
    }
  }
}

TEST(RandomFill, keys_differ_by_every_seed_and_every_name) {
  const uint64_t keys[] = {fill_key(0, "a"), fill_key(1, "a"), fill_key(0, "b"), fill_key(0, "ab"), fill_key(0, "ba")};
  for (size_t i = 0; i < std::size(keys); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(keys[i], keys[j]) << i << " " << j;
  }
  EXPECT_NE(made(DType::kU32, {FillKind::kBits}, keys[0]), made(DType::kU32, {FillKind::kBits}, keys[1]));
}

TEST(RandomFill, bytes_of_codes_are_uniform) {
  std::array<int, 256> counts{};
  for (const std::byte b : made(DType::kU32, {FillKind::kBits}, 3)) ++counts[std::to_integer<size_t>(b)];
  double chi_squared = 0;
  const double expected = 4.0 * kCount / 256;
  for (const int n : counts) chi_squared += (n - expected) * (n - expected) / expected;
  EXPECT_LT(chi_squared, 350.0);  // 255 degrees of freedom: beyond 350 once in 25000
  EXPECT_GT(chi_squared, 170.0);
}

TEST(RandomFill, uniform_fills_its_interval) {
  double sum = 0;
  for (const float x : floats({FillKind::kUniform, 2.0f, 0.5f})) {
    ASSERT_GE(x, 1.5f);
    ASSERT_LE(x, 2.5f);
    sum += x;
  }
  EXPECT_NEAR(sum / kCount, 2.0, 0.01);
}

TEST(RandomFill, scales_have_both_signs_and_are_never_small) {
  int negative = 0;
  for (const float x : floats({FillKind::kScale, 0, 0.01f})) {
    ASSERT_GE(std::fabs(x), 0.0075f);
    ASSERT_LE(std::fabs(x), 0.0125f);
    negative += x < 0;
  }
  EXPECT_NEAR(negative, 0.5 * kCount, 500);
}

TEST(RandomFill, exponents_are_two_neighbours_as_often_as_asked) {
  int larger = 0;
  for (const std::byte b : made(DType::kU8, {FillKind::kExponent, -6.0f, 0.25f}, 1)) {
    ASSERT_TRUE(b == std::byte{127 - 6} || b == std::byte{127 - 5});
    larger += b == std::byte{127 - 5};
  }
  EXPECT_NEAR(larger, 0.25 * kCount, 500);
}

TEST(RandomFill, biases_put_the_middle_code_at_zero) {
  for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    const auto scales = floats({FillKind::kScale, 0, 0.01f}, dtype);
    const auto biases = floats({FillKind::kBias, 127.5f, 0.01f}, dtype);
    for (size_t i = 0; i < kCount; ++i) {
      const float middle = 127.5f * scales[i] + biases[i];
      ASSERT_LE(std::fabs(middle), 0.5f * std::fabs(scales[i])) << i;  // the rounding of the bias to 8 bits
    }
  }
}

TEST(RandomFill, decay_and_time_step_lie_where_training_starts) {
  for (const float a_log : floats({FillKind::kDecay})) {
    ASSERT_GE(std::exp(a_log), 0.999f);
    ASSERT_LE(std::exp(a_log), 16.001f);
  }
  for (const float dt_bias : floats({FillKind::kTimeStep})) {
    const float dt = std::log1p(std::exp(dt_bias));
    ASSERT_GE(dt, 0.00099f);
    ASSERT_LE(dt, 0.1001f);
  }
}

}  // namespace
}  // namespace moebius::internal
