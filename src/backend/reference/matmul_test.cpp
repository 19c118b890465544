// Tests of N2, N3 and N4: worked values, and every format against double precision.
#include "backend/reference/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
namespace {

using testing::HostMatrix;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Quantized {
  std::vector<int8_t> codes;
  std::vector<float> scales;
};

Quantized quantize(const std::vector<float>& x) {
  Quantized out{std::vector<int8_t>(x.size()), std::vector<float>((x.size() + 63) / 64)};
  quantize_activations(out.codes, out.scales, x);
  return out;
}

TEST(QuantizeActivations, rounds_halves_to_even) {
  std::vector<float> x(64, 0.0f);
  x[0] = -127.0f;  // r is exactly 1
  x[1] = 0.5f;
  x[2] = 1.5f;
  x[3] = -2.5f;
  x[4] = 126.5f;
  const Quantized q = quantize(x);
  EXPECT_EQ(q.scales[0], 1.0f);
  EXPECT_EQ(q.codes[0], -127);
  EXPECT_EQ(q.codes[1], 0);
  EXPECT_EQ(q.codes[2], 2);
  EXPECT_EQ(q.codes[3], -2);
  EXPECT_EQ(q.codes[4], 126);
}

TEST(QuantizeActivations, scales_each_block_of_64_alone_and_the_last_may_be_short) {
  std::vector<float> x(96, 1.0f);
  x[70] = -4.0f;
  const Quantized q = quantize(x);
  EXPECT_EQ(q.scales, (std::vector<float>{1.0f / 127.0f, 4.0f / 127.0f}));
  EXPECT_EQ(q.codes[0], 127);
  EXPECT_EQ(q.codes[64], 32);  // rounded from 31.75
  EXPECT_EQ(q.codes[70], -127);
}

TEST(QuantizeActivations, a_block_of_zeros_or_below_the_threshold_becomes_zero) {
  for (const float m : {0.0f, -0.0f, 0x1.fffffep-101f, std::numeric_limits<float>::denorm_min()}) {
    const Quantized q = quantize(std::vector<float>(64, m));
    EXPECT_EQ(q.scales[0], 0.0f) << m;
    EXPECT_EQ(std::count(q.codes.begin(), q.codes.end(), 0), 64) << m;
  }
  const Quantized at_threshold = quantize(std::vector<float>(64, 0x1p-100f));
  EXPECT_EQ(at_threshold.scales[0], 0x1p-100f / 127.0f);
  EXPECT_EQ(at_threshold.codes[5], 127);
}

TEST(QuantizeActivations, a_non_finite_value_poisons_its_block_only) {
  for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(128, 1.0f);
    x[3] = bad;
    const Quantized q = quantize(x);
    EXPECT_TRUE(std::isnan(q.scales[0]));
    EXPECT_EQ(std::count(q.codes.begin(), q.codes.begin() + 64, 0), 64);
    EXPECT_EQ(q.scales[1], 1.0f / 127.0f);
  }
}

TEST(QuantizeActivations, the_largest_finite_value_is_code_127) {
  std::vector<float> x(64, 0.0f);
  x[9] = std::numeric_limits<float>::max();
  EXPECT_EQ(quantize(x).codes[9], 127);
}

// Runs linear() with one matrix: x [T, K], result [T, N].
std::vector<float> linear(const HostMatrix& w, const std::vector<float>& x, ActivationKind kind,
                          ActivationKind of_backend = ActivationKind::kInt8) {
  const std::unique_ptr<Backend> backend = make_reference_backend(of_backend);
  const Matrix matrix = testing::upload(*backend, w, kind);
  const Tensor input = testing::tensor(*backend, x, w.cols());
  const Tensor out = testing::output(*backend, input.rows, w.rows());
  testing::reserve(*backend, input.rows);
  const Projection projection = {{out}, matrix};
  backend->operations().linear({&projection, 1}, {input});
  return testing::to_host(*backend, out);
}

struct Expected {
  double value = 0;
  double magnitude = 0;  // sum of |w x|; rounding errors are relative to it
};

// The product of row n of w and x [K], in double.
Expected exact_dot(const HostMatrix& w, int64_t n, const std::vector<double>& x) {
  Expected sum;
  for (int64_t k = 0; k < w.cols(); ++k) {
    sum.value += w.at(n, k) * x[k];
    sum.magnitude += std::fabs(w.at(n, k) * x[k]);
  }
  return sum;
}

// The values that the int8 codes of x stand for.
std::vector<double> quantized_values(const std::vector<float>& x) {
  const Quantized q = quantize(x);
  std::vector<double> values(x.size());
  for (size_t i = 0; i < x.size(); ++i) values[i] = static_cast<double>(q.scales[i / 64]) * q.codes[i];
  return values;
}

void expect_close(const std::vector<float>& out, const HostMatrix& w, const std::vector<double>& x) {
  for (int64_t n = 0; n < w.rows(); ++n) {
    const Expected expected = exact_dot(w, n, x);
    ASSERT_NEAR(out[n], expected.value, 1e-5 * expected.magnitude + 1e-30) << "output " << n;
  }
}

class MatmulFormat : public ::testing::TestWithParam<WeightFormat> {};

std::vector<WeightFormat> all_formats() {
  std::vector<WeightFormat> formats = {testing::dense(DType::kF32), testing::dense(DType::kF16),
                                       testing::dense(DType::kBF16)};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      for (const DType scales : {DType::kF32, DType::kF16, DType::kBF16}) {
        formats.push_back(testing::affine(bits, group, scales));
      }
    }
  }
  formats.push_back(testing::mxfp4());
  return formats;
}

TEST_P(MatmulFormat, with_f32_activations_meets_double_precision) {
  const HostMatrix w(9, 640, GetParam(), 1);
  const std::vector<float> x = testing::activations(1, 640, 2);
  expect_close(linear(w, x, ActivationKind::kF32), w, {x.begin(), x.end()});
  expect_close(linear(w, x, ActivationKind::kInt8, ActivationKind::kF32), w, {x.begin(), x.end()});
}

TEST_P(MatmulFormat, with_int8_activations_meets_double_precision_on_the_codes) {
  const HostMatrix w(9, 640, GetParam(), 3);
  const std::vector<float> x = testing::activations(1, 640, 4);
  const std::vector<double> codes = quantized_values(x);
  const bool quantized = GetParam().is_quantized();  // dense weights always take f32
  expect_close(linear(w, x, ActivationKind::kInt8), w, quantized ? codes : std::vector<double>(x.begin(), x.end()));
}

INSTANTIATE_TEST_SUITE_P(All, MatmulFormat, ::testing::ValuesIn(all_formats()),
                         [](const auto& format) { return testing::label(format.param); });

TEST(Matmul, sums_in_segments_of_512_inputs) {
  // 512 terms of 2^-24 vanish when they are added to 1 one by one. From a segment of their own they arrive as 2^-15.
  std::vector<std::byte> ones(1024 * 4);
  for (int64_t i = 0; i < 1024; ++i) store_f32(ones.data(), DType::kF32, i, 1.0f);
  struct Ones : RowSource {
    std::vector<std::byte> bytes;
    void read(int64_t, int64_t, const Rows& out) const override { std::copy(bytes.begin(), bytes.end(), out.weights); }
  } source;
  source.bytes = ones;
  const StoredMatrix w({"ones", 1, 1024, testing::dense(DType::kF32)}, source);
  std::vector<float> x(1024, 0x1p-24f);
  std::fill_n(x.begin(), 512, 0.0f);
  x[0] = 1.0f;
  float y = 0;
  matmul(&y, Activations(x.data(), 1, 1024), w, {0, 1});
  EXPECT_EQ(y, 1.0f + 0x1p-15f);
  std::fill_n(x.begin(), 512, 0x1p-24f);
  std::fill_n(x.begin() + 512, 512, 0.0f);
  x[0] = 1.0f;  // the small terms are in the segment of the 1, so they vanish
  matmul(&y, Activations(x.data(), 1, 1024), w, {0, 1});
  EXPECT_EQ(y, 1.0f);
}

TEST(Matmul, group_128_is_two_units_of_group_64_with_the_same_scale) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const HostMatrix wide(5, 640, testing::affine(bits, 128), 7);
    struct Doubled : RowSource {
      const HostMatrix* wide;
      int bits;
      void read(int64_t first, int64_t count, const Rows& out) const override {
        std::vector<std::byte> scales(count * 10), biases(count * 10);  // 5 groups of 2 bytes a row
        wide->read(first, count, {out.weights, scales.data(), biases.data()});
        for (int64_t g = 0; g < count * 5; ++g) {
          for (int64_t half = 0; half < 2; ++half) {
            std::copy_n(scales.data() + g * 2, 2, out.scales + (2 * g + half) * 2);
            std::copy_n(biases.data() + g * 2, 2, out.biases + (2 * g + half) * 2);
          }
        }
      }
    } narrow;
    narrow.wide = &wide;
    const StoredMatrix a(wide.spec(), wide);
    const StoredMatrix b({"narrow", 5, 640, testing::affine(bits, 64)}, narrow);
    const std::vector<float> x = testing::activations(1, 640, 8);
    std::vector<float> ya(5), yb(5);
    matmul(ya.data(), Activations(x.data(), 1, 640), a, {0, 5});
    matmul(yb.data(), Activations(x.data(), 1, 640), b, {0, 5});
    EXPECT_EQ(ya, yb) << bits << " bits";
  }
}

TEST(Matmul, a_poisoned_block_makes_every_output_of_its_row_nan_and_no_other) {
  const HostMatrix w(6, 256, testing::affine(4, 64), 9);
  std::vector<float> x = testing::normals(2 * 256, 10);
  x[256 + 100] = kInfinity;
  const std::vector<float> out = linear(w, x, ActivationKind::kInt8);
  for (int64_t n = 0; n < 6; ++n) {
    EXPECT_TRUE(std::isfinite(out[n]));
    EXPECT_TRUE(std::isnan(out[6 + n]));
  }
}

TEST(Linear, gives_each_of_several_projections_what_it_gets_alone) {
  const HostMatrix matrices[] = {HostMatrix(7, 192, testing::affine(3, 64), 1),
                                 HostMatrix(5, 192, testing::affine(8, 32), 2),
                                 HostMatrix(9, 192, testing::dense(DType::kBF16), 3)};
  const std::vector<float> x = testing::activations(3, 192, 4);
  const std::unique_ptr<Backend> backend = make_reference_backend();
  std::vector<Projection> projections;
  for (const HostMatrix& w : matrices) {
    const Matrix matrix = testing::upload(*backend, w);
    projections.push_back({{testing::output(*backend, 3, w.rows())}, matrix});
  }
  testing::reserve(*backend, 3);
  backend->operations().linear(projections, {testing::tensor(*backend, x, 192)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(testing::to_host(*backend, projections[i].out.x), linear(matrices[i], x, ActivationKind::kInt8));
  }
}

}  // namespace
}  // namespace moebius::internal::reference
