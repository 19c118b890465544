// Tests the conversions, exhaustively where 16 bits allow it. The oracle is the formula of the format in double
// precision.
#include "base/dtype.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Value of 16 bits with the given field widths, by the definition of IEEE 754 binary formats.
double value_of(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1 << mantissa_bits) - 1), -mantissa_bits);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * kInfinity : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias);
  return sign * std::ldexp(1.0 + fraction, exponent - bias);
}

struct Format {
  const char* name;
  int exponent_bits;
  int mantissa_bits;
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
  uint16_t infinity;
};

constexpr Format kFormats[] = {{"f16", 5, 10, f16_to_f32, f32_to_f16, 0x7c00},
                               {"bf16", 8, 7, bf16_to_f32, f32_to_bf16, 0x7f80}};

class HalfFloat : public ::testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Dtype, HalfFloat, ::testing::ValuesIn(kFormats),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(HalfFloat, widens_every_value_exactly) {
  const Format& format = GetParam();
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double expected = value_of(static_cast<uint16_t>(bits), format.exponent_bits, format.mantissa_bits);
    const float got = format.widen(static_cast<uint16_t>(bits));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(got)) << std::hex << bits;
    } else {
      ASSERT_EQ(static_cast<double>(got), expected) << std::hex << bits;
    }
    ASSERT_EQ(std::signbit(got), (bits & 0x8000) != 0) << std::hex << bits;
  }
}

TEST_P(HalfFloat, narrows_every_widened_value_back_to_itself) {
  const Format& format = GetParam();
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const uint16_t back = format.narrow(format.widen(half));
    const bool is_nan = (half & 0x7fff) > format.infinity;
    if (is_nan) {
      ASSERT_GT(back & 0x7fff, format.infinity) << std::hex << bits;
      ASSERT_EQ(back & 0x8000, half & 0x8000) << std::hex << bits;
    } else {
      ASSERT_EQ(back, half) << std::hex << bits;
    }
  }
}

// Between two neighbours a < b: the middle goes to the even one, anything else to the nearer.
TEST_P(HalfFloat, rounds_half_to_even_between_all_neighbours) {
  const Format& format = GetParam();
  for (const uint32_t sign : {0x0000u, 0x8000u}) {
    for (uint32_t low = 0; low + 1 < format.infinity; ++low) {
      const auto a = static_cast<uint16_t>(sign | low);
      const auto b = static_cast<uint16_t>(sign | (low + 1));
      const auto middle = static_cast<float>((static_cast<double>(format.widen(a)) + format.widen(b)) / 2);
      ASSERT_EQ(format.narrow(middle), low % 2 == 0 ? a : b) << std::hex << a;
      ASSERT_EQ(format.narrow(std::nextafterf(middle, format.widen(a))), a) << std::hex << a;
      ASSERT_EQ(format.narrow(std::nextafterf(middle, format.widen(b))), b) << std::hex << a;
    }
  }
}

TEST_P(HalfFloat, overflows_to_infinity_from_half_a_step_above_the_largest_value) {
  const Format& format = GetParam();
  const float largest = format.widen(static_cast<uint16_t>(format.infinity - 1));
  const float step = largest - format.widen(static_cast<uint16_t>(format.infinity - 2));
  const float limit = largest + step / 2;
  EXPECT_EQ(format.narrow(limit), format.infinity);
  EXPECT_EQ(format.narrow(-limit), format.infinity | 0x8000);
  EXPECT_EQ(format.narrow(std::nextafterf(limit, 0.0f)), format.infinity - 1);
  EXPECT_EQ(format.narrow(std::numeric_limits<float>::infinity()), format.infinity);
}

TEST_P(HalfFloat, keeps_a_nan_whose_payload_lies_in_the_lost_bits) {
  const Format& format = GetParam();
  const float nan = std::bit_cast<float>(0xff800001u);
  const uint16_t half = format.narrow(nan);
  EXPECT_GT(half & 0x7fff, format.infinity);
  EXPECT_NE(half & 0x8000, 0);
}

TEST_P(HalfFloat, narrows_the_smallest_floats_to_zero_of_their_sign) {
  const Format& format = GetParam();
  EXPECT_EQ(format.narrow(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(format.narrow(-std::numeric_limits<float>::denorm_min()), 0x8000);
  EXPECT_EQ(format.narrow(-0.0f), 0x8000);
}

TEST(Dtype, loads_and_stores_at_an_odd_address) {
  std::array<char, 64> bytes{};
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    void* odd = bytes.data() + 1;
    for (int i = 0; i < 4; ++i) store_f32(odd, dtype, i, 0.5f * static_cast<float>(i) - 0.75f);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(load_f32(odd, dtype, i), 0.5f * static_cast<float>(i) - 0.75f) << name(dtype);
  }
}

TEST(Dtype, does_not_load_integers_as_floats) {
  const int32_t value = 1;
  testing::expect_error(ErrorCode::kInternal, "is_float", [&] { (void)load_f32(&value, DType::kI32, 0); });
}

TEST(Dtype, is_named_as_safetensors_spells_it) {
  const DType all[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kU32, DType::kI32, DType::kI8, DType::kU8};
  const std::vector<std::string_view> names = {"F32", "F16", "BF16", "U32", "I32", "I8", "U8"};
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(name(all[i]), names[i]);
}

TEST(Dtype, has_the_size_of_its_elements) {
  EXPECT_EQ(size_bytes(DType::kF32), 4);
  EXPECT_EQ(size_bytes(DType::kU32), 4);
  EXPECT_EQ(size_bytes(DType::kBF16), 2);
  EXPECT_EQ(size_bytes(DType::kI8), 1);
  EXPECT_EQ(size_bytes(DType::kOther), 0);
}

}  // namespace
}  // namespace moebius::internal
