// Weights against the double precision of libm.
#include "sample/weight.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace moebius::internal {
namespace {

TEST(Weight, is_e_to_the_x_within_two_roundings_of_a_float_and_one_of_a_unit) {
  double worst = 0;
  constexpr int kSteps = 250000;
  for (int i = 0; i < kSteps; ++i) {
    const float x = kNoWeight * static_cast<float>(i) / kSteps;
    const double exact = std::exp(static_cast<double>(x)) * static_cast<double>(kTopWeight);
    const double error = std::fabs(static_cast<double>(weight_of(x)) - exact);
    worst = std::max(worst, error / (exact * 0x1p-23 + 0.5001));
  }
  EXPECT_LE(worst, 1.0);
}

TEST(Weight, of_the_likeliest_is_exactly_one) {
  EXPECT_EQ(weight_of(0.0f), kTopWeight);
  EXPECT_EQ(weight_of(-0.0f), kTopWeight);
}

TEST(Weight, is_nothing_where_a_token_is_hopeless) {
  for (const float x : {kNoWeight, -100.0f, -3e38f, -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(weight_of(x), 0u) << x;
  }
  EXPECT_EQ(weight_of(-27.8f), 1u);
}

}  // namespace
}  // namespace moebius::internal
