// N6 against double precision, and the rows that divide by nearly nothing.
#include "backend/reference/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::reference {
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
  EXPECT_NEAR(x[3], 0.99504, 1e-5);  // of the mean it would be 0.662 or so
  std::vector<float> unit = {3.0f, 4.0f};
  l2_normalize_row(unit.data(), 2);
  EXPECT_NEAR(unit[0], 0.6, 1e-6);
  EXPECT_NEAR(unit[1], 0.8, 1e-6);
}

TEST(AddRmsNorm, adds_to_the_residual_and_norms_the_sum) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const std::vector<float> x = testing::normals(3 * 40, 1);
  const std::vector<float> residual = testing::normals(3 * 40, 2);
  std::vector<float> sum(x.size());
  for (size_t i = 0; i < x.size(); ++i) sum[i] = residual[i] + x[i];
  const Tensor r = testing::tensor(*backend, residual, 40);
  const Tensor w = testing::tensor(*backend, testing::normals(40, 3), 40);
  const Tensor out = backend->allocate(DType::kF32, 3, 40);
  const Tensor expected = backend->allocate(DType::kF32, 3, 40);
  backend->reserve(3);
  backend->add_rms_norm(out, r, testing::tensor(*backend, x, 40), w, 1e-6f);
  backend->rms_norm(expected, testing::tensor(*backend, sum, 40), w, 1e-6f);
  EXPECT_EQ(testing::to_host(*backend, r), sum);
  EXPECT_EQ(testing::to_host(*backend, out), testing::to_host(*backend, expected));
}

}  // namespace
}  // namespace moebius::reference
