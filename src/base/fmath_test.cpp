// Tests exp and log1p against the double precision of libm over dense sweeps, and the values that the definitions
// promise exactly. The parity tests check that the 16-lane forms agree with these bit for bit.
#include "base/fmath.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace moebius::internal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallestSubnormal = std::numeric_limits<float>::denorm_min();
constexpr float kLargest = std::numeric_limits<float>::max();

// Distance of got from the exact value, in units of the last place that a float of that size has.
double ulps(float got, double exact) {
  if (std::isinf(got)) return std::isinf(static_cast<float>(exact)) ? 0 : kInfinity;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

// Calls body with every stride-th float from first to last, both of one sign, |first| < |last|.
template <typename Body>
void sweep(float first, float last, uint32_t stride, const Body& body) {
  const auto end = std::bit_cast<uint32_t>(last);
  for (auto bits = std::bit_cast<uint32_t>(first); bits <= end; bits += stride) body(std::bit_cast<float>(bits));
}

TEST(Exp, is_within_one_point_one_ulp_of_the_exact_value_wherever_it_is_finite) {
  double worst = 0;
  const auto measure = [&](float x) { worst = std::max(worst, ulps(fmath::exp(x), std::exp(static_cast<double>(x)))); };
  sweep(0.0f, 88.72f, 997, measure);
  sweep(-0.0f, -104.0f, 997, measure);
  EXPECT_LE(worst, 1.1);
}

TEST(Exp, never_falls_when_its_argument_rises) {
  float previous = 1;
  bool rises = true;
  sweep(0.0f, 100.0f, 1009, [&](float x) { rises = rises && fmath::exp(x) >= std::exchange(previous, fmath::exp(x)); });
  previous = 1;
  bool falls = true;
  sweep(-0.0f, -110.0f, 1009,
        [&](float x) { falls = falls && fmath::exp(x) <= std::exchange(previous, fmath::exp(x)); });
  EXPECT_TRUE(rises);
  EXPECT_TRUE(falls);
}

TEST(Exp, of_zero_is_exactly_one) {
  EXPECT_EQ(fmath::exp(0.0f), 1.0f);
  EXPECT_EQ(fmath::exp(-0.0f), 1.0f);
  EXPECT_EQ(fmath::exp(kSmallestSubnormal), 1.0f);
}

TEST(Exp, has_subnormal_results) {
  EXPECT_GT(fmath::exp(-87.4f), 0.0f);
  EXPECT_LT(fmath::exp(-87.4f), std::numeric_limits<float>::min());
  EXPECT_EQ(fmath::exp(-103.2f), kSmallestSubnormal);
  EXPECT_EQ(fmath::exp(-104.0f), 0.0f);
}

TEST(Exp, saturates_and_passes_nan) {
  EXPECT_EQ(fmath::exp(88.73f), kInfinity);
  EXPECT_EQ(fmath::exp(kLargest), kInfinity);
  EXPECT_EQ(fmath::exp(kInfinity), kInfinity);
  EXPECT_EQ(fmath::exp(-kLargest), 0.0f);
  EXPECT_EQ(fmath::exp(-kInfinity), 0.0f);
  EXPECT_TRUE(std::isnan(fmath::exp(kNan)));
  EXPECT_TRUE(std::isnan(fmath::exp(-kNan)));
}

TEST(Log1p, is_within_one_and_a_half_ulp_of_the_exact_value) {
  double worst = 0;
  sweep(0.0f, 2.9e38f, 997,
        [&](float u) { worst = std::max(worst, ulps(fmath::log1p(u), std::log1p(static_cast<double>(u)))); });
  EXPECT_LE(worst, 1.5);
}

TEST(Log1p, of_tiny_arguments_is_the_argument) {
  EXPECT_EQ(fmath::log1p(0.0f), 0.0f);
  sweep(kSmallestSubnormal, 1e-8f, 4999, [](float u) { ASSERT_EQ(fmath::log1p(u), u); });
}

TEST(Log1p, passes_infinity_and_nan) {
  EXPECT_EQ(fmath::log1p(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(fmath::log1p(kNan)));
}

TEST(Sigmoid, is_bounded_and_meets_its_limits) {
  EXPECT_EQ(fmath::sigmoid(0.0f), 0.5f);
  EXPECT_EQ(fmath::sigmoid(kInfinity), 1.0f);
  EXPECT_EQ(fmath::sigmoid(-kInfinity), 0.0f);
  EXPECT_EQ(fmath::sigmoid(-200.0f), 0.0f);
  EXPECT_TRUE(std::isnan(fmath::sigmoid(kNan)));
  for (float z = -80.0f; z <= 80.0f; z += 0.37f) {
    const double exact = 1.0 / (1.0 + std::exp(-static_cast<double>(z)));
    ASSERT_LE(ulps(fmath::sigmoid(z), exact), 2.5) << z;
  }
}

TEST(Silu, follows_its_definition) {
  EXPECT_EQ(fmath::silu(0.0f), 0.0f);
  EXPECT_EQ(fmath::silu(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(fmath::silu(kNan)));
  for (float z = -80.0f; z <= 80.0f; z += 0.37f) {
    const double exact = z / (1.0 + std::exp(-static_cast<double>(z)));
    ASSERT_LE(ulps(fmath::silu(z), exact), 2.5) << z;
  }
}

TEST(Softplus, follows_its_definition) {
  EXPECT_NEAR(fmath::softplus(-0.5f), 0.474077, 1e-6);  // the example of the delta rule's gates: a -1, dt_bias 0.5
  EXPECT_EQ(fmath::softplus(20.5f), 20.5f);
  EXPECT_EQ(fmath::softplus(-kInfinity), 0.0f);
  EXPECT_TRUE(std::isnan(fmath::softplus(kNan)));
  for (float y = -80.0f; y <= 20.0f; y += 0.37f) {
    ASSERT_LE(ulps(fmath::softplus(y), std::log1p(std::exp(static_cast<double>(y)))), 3.0) << y;
  }
}

TEST(DeltaGate, meets_the_worked_example) {
  const float log_g = -fmath::exp(std::log(4.0f)) * fmath::softplus(-1.0f + 0.5f);
  EXPECT_NEAR(fmath::exp(log_g), 0.150122, 1e-6);
}

}  // namespace
}  // namespace moebius::internal
