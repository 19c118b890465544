// Tests of N6 against double precision, and with rows that divide by nearly zero.
#include "backend/reference/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
namespace {

double mean_of_squares(const std::vector<float>& x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  return sum / static_cast<double>(x.size());
}

TEST(RmsNorm, meets_double_precision_at_every_width) {
  for (const int64_t n : {1, 7, 16, 17, 100, 2048}) {
    const std::vector<float> x = testing::normals(n, 1, 3.0f);
    const std::vector<float> w = testing::normals(n, 2);
    std::vector<float> y(n);
    rms_norm_row(y.data(), x.data(), w.data(), n, 1e-6f);
    const double r = 1 / std::sqrt(mean_of_squares(x) + 1e-6);
    for (int64_t i = 0; i < n; ++i) ASSERT_NEAR(y[i], x[i] * r * w[i], 1e-6 * std::fabs(y[i]) + 1e-30) << n;
  }
}

TEST(RmsNorm, of_zeros_is_zero) {
  const std::vector<float> x(20, 0.0f);
  const std::vector<float> w(20, 2.0f);
  std::vector<float> y(20, 1.0f);
  rms_norm_row(y.data(), x.data(), w.data(), 20, 1e-6f);
  EXPECT_EQ(y, x);
}

TEST(RmsNorm, passes_nan_on_to_the_whole_row) {
  std::vector<float> x(20, 1.0f);
  x[13] = std::numeric_limits<float>::quiet_NaN();
  rms_norm_row(x.data(), x.data(), std::vector<float>(20, 1.0f).data(), 20, 1e-6f);
  for (const float value : x) EXPECT_TRUE(std::isnan(value));
}

TEST(L2Normalize, uses_the_sum_not_the_mean) {
  std::vector<float> x(16, 0.0f);
  x[3] = 0.01f;
  l2_normalize_row(x.data(), 16);
  EXPECT_NEAR(x[3], 0.99504, 1e-5);  // with the mean instead of the sum it would be about 0.662
  std::vector<float> unit = {3.0f, 4.0f};
  l2_normalize_row(unit.data(), 2);
  EXPECT_NEAR(unit[0], 0.6, 1e-6);
  EXPECT_NEAR(unit[1], 0.8, 1e-6);
}

TEST(RmsNorm, inside_an_operation_is_the_operation_by_itself) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const testing::HostMatrix w(24, 64, testing::affine(4, 64), 1);
  const Matrix matrix = testing::upload(*backend, w);
  const Tensor x = testing::tensor(*backend, testing::normals(3 * 64, 2), 64);
  const Norm norm = {testing::tensor(*backend, testing::normals(64, 3), 64), 1e-6f};
  const Tensor normed = testing::output(*backend, 3, 64);
  const Tensor expected = testing::output(*backend, 3, 24);
  const Tensor got = testing::output(*backend, 3, 24);
  testing::reserve(*backend, 3);
  Operations& ops = backend->operations();
  ops.rms_norm(normed, x, norm);
  const Projection first[] = {{{expected}, matrix}}, second[] = {{{got}, matrix}};
  ops.linear(first, {normed});
  ops.linear(second, {x, norm});
  EXPECT_EQ(testing::to_host(*backend, got), testing::to_host(*backend, expected));
}

TEST(Output, that_is_added_is_what_stood_there_and_the_whole_result) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const testing::HostMatrix w(24, 64, testing::affine(4, 64), 1);
  const Matrix matrix = testing::upload(*backend, w);
  const Tensor x = testing::tensor(*backend, testing::normals(3 * 64, 2), 64);
  const std::vector<float> residual = testing::normals(3 * 24, 3);
  const Tensor sum = testing::tensor(*backend, residual, 24);
  const Tensor product = testing::output(*backend, 3, 24);
  testing::reserve(*backend, 3);
  const Projection both[] = {{{product}, matrix}, {{sum, Write::kAdd}, matrix}};
  backend->operations().linear(both, {x});
  std::vector<float> expected = testing::to_host(*backend, product);
  for (size_t i = 0; i < expected.size(); ++i) expected[i] = residual[i] + expected[i];
  EXPECT_EQ(testing::to_host(*backend, sum), expected);
}

}  // namespace
}  // namespace moebius::internal::reference
