// Tests N5 on inputs where another order of summation would give another answer.
#include "backend/reference/sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace moebius::internal::reference {
namespace {

float sum(const std::vector<float>& x) {
  LaneSum lanes;
  for (size_t i = 0; i < x.size(); ++i) lanes.add(static_cast<int64_t>(i), x[i]);
  return lanes.fold();
}

TEST(LaneSum, adds_elements_sixteen_apart_first) {
  std::vector<float> x(17, 0.0f);
  x[0] = 0x1p25f;
  x[1] = -0x1p25f;
  x[16] = 1.0f;  // the 1 is lost in lane 0; in a sum from left to right it would survive
  EXPECT_EQ(sum(x), 0.0f);
}

TEST(LaneSum, folds_the_upper_half_onto_the_lower) {
  std::vector<float> x(16, 0.0f);
  x[0] = 0x1p25f;
  x[8] = -0x1p25f;
  x[1] = 1.0f;  // lanes 0 and 8 cancel before lane 1 arrives
  EXPECT_EQ(sum(x), 1.0f);
  std::swap(x[8], x[2]);  // l += l + 2 comes before l += l + 1
  EXPECT_EQ(sum(x), 1.0f);
  std::swap(x[1], x[4]);  // l += l + 4 comes before l += l + 2, so the 1 is lost
  EXPECT_EQ(sum(x), 0.0f);
}

TEST(LaneSum, of_nothing_is_positive_zero) {
  EXPECT_EQ(sum({}), 0.0f);
  EXPECT_FALSE(std::signbit(sum({-0.0f})));
}

TEST(Dot, rounds_once_per_product_and_sum) {
  const float x[] = {1.0f + 0x1p-12f};
  EXPECT_EQ(dot(x, x, 1), 1.0f + 0x1p-11f);  // 2^-24 is rounded away
  std::vector<float> a(17, 0.0f);
  std::vector<float> b(17, 0.0f);
  a[0] = b[0] = 1.0f + 0x1p-12f;
  a[16] = -1.0f;
  b[16] = 1.0f + 0x1p-11f;
  EXPECT_EQ(dot(a.data(), b.data(), 17), 0.0f);
  std::swap(a[0], a[16]);
  std::swap(b[0], b[16]);
  EXPECT_EQ(dot(a.data(), b.data(), 17), 0x1p-24f);  // the fma keeps what a rounded product loses
}

}  // namespace
}  // namespace moebius::internal::reference
