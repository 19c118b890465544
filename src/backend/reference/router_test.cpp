// N9: the worked example, ties, broken rows, and the softmax against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::reference {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A dense f32 matrix [n, 1]: with x = 1 its rows are the logits.
struct Column : RowSource {
  explicit Column(std::vector<float> v) : values(std::move(v)) {}
  void read(int64_t first, int64_t count, const Rows& out) const override {
    std::memcpy(out.weights, values.data() + first, count * sizeof(float));
  }
  [[nodiscard]] MatrixSpec spec() const {
    return {"column", static_cast<int64_t>(values.size()), 1, testing::dense(DType::kF32), ActivationKind::kF32};
  }
  std::vector<float> values;
};

struct Routed {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

Routed route(const std::vector<float>& logits, int64_t top_k, bool renormalize, const float* shared_logit = nullptr) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const Column router(logits);
  RouterArgs args{backend->upload(router.spec(), router), {}, static_cast<int64_t>(logits.size()), top_k, renormalize};
  if (shared_logit != nullptr) {
    const Column gate({*shared_logit});
    args.shared_gate = backend->upload(gate.spec(), gate);
  }
  const int64_t slots = top_k + (shared_logit != nullptr ? 1 : 0);
  const Routing out{backend->allocate(DType::kI32, 1, slots), backend->allocate(DType::kF32, 1, slots)};
  backend->reserve(1);
  backend->router(out, testing::tensor(*backend, std::vector<float>{1.0f}, 1), args);
  return {testing::to_host_i32(*backend, out.ids), testing::to_host(*backend, out.weights)};
}

TEST(Router, meets_the_worked_example) {
  const std::vector<float> logits = {2, 1, 0.5, 0, -1, -2, 1.5, 0.25};
  const Routed chosen = route(logits, 2, /*renormalize=*/true);
  EXPECT_EQ(chosen.ids, (std::vector<int32_t>{0, 6}));
  EXPECT_NEAR(chosen.weights[0], 0.622459, 1e-6);
  EXPECT_NEAR(chosen.weights[1], 0.377541, 1e-6);
  const Routed all = route(logits, 2, /*renormalize=*/false);
  EXPECT_EQ(all.ids, (std::vector<int32_t>{0, 6}));
  EXPECT_NEAR(all.weights[0], 0.388387, 1e-6);
  EXPECT_NEAR(all.weights[1], 0.235569, 1e-6);
}

TEST(Router, lists_the_chosen_in_ascending_id) {
  EXPECT_EQ(route({0, 1, 2, 3, 9, 5, 6, 7}, 3, true).ids, (std::vector<int32_t>{4, 6, 7}));
}

TEST(Router, gives_ties_to_the_lower_id) {
  EXPECT_EQ(route({1, 2, 2, 1, 2}, 2, true).ids, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(route({0.0f, -0.0f, 0.0f, -0.0f}, 3, true).ids, (std::vector<int32_t>{0, 1, 2}));
}

TEST(Router, ranks_nan_below_minus_infinity) {
  const Routed routed = route({kNan, -kInfinity, kNan, 3.0f}, 2, true);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(routed.weights, (std::vector<float>{0.0f, 1.0f}));
}

TEST(Router, of_a_broken_row_still_names_distinct_experts_and_its_weights_are_nan) {
  const Routed routed = route({kNan, kNan, kNan}, 2, true);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{0, 1}));
  EXPECT_TRUE(std::isnan(routed.weights[0]));
  EXPECT_TRUE(std::isnan(routed.weights[1]));
}

TEST(Router, puts_the_shared_expert_last_with_its_sigmoid) {
  const float logit = -0.75f;
  const Routed routed = route({1, 2, 3, 4}, 2, true, &logit);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{2, 3, 4}));
  EXPECT_NEAR(routed.weights[2], 1 / (1 + std::exp(0.75)), 1e-6);
}

TEST(Router, meets_double_precision_with_and_without_renormalisation) {
  const std::vector<float> logits = testing::normals(60, 1, 4.0f);
  for (const bool renormalize : {true, false}) {
    const Routed routed = route(logits, 8, renormalize);
    double all = 0;
    for (const float x : logits) all += std::exp(static_cast<double>(x));
    double chosen = 0;
    for (const int32_t id : routed.ids) chosen += std::exp(static_cast<double>(logits[id]));
    for (size_t i = 0; i < 8; ++i) {
      const double p = std::exp(static_cast<double>(logits[routed.ids[i]])) / (renormalize ? chosen : all);
      EXPECT_NEAR(routed.weights[i], p, 2e-6 * p);
    }
  }
}

TEST(Router, takes_f32_activations_on_packed_weights) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const testing::HostMatrix w(8, 128, testing::affine(8, 64), 1);
  const std::vector<float> x = testing::activations(1, 128, 2);
  std::vector<double> exact(8, 0.0);
  for (int64_t e = 0; e < 8; ++e) {
    for (int64_t k = 0; k < 128; ++k) exact[e] += w.at(e, k) * x[k];
  }
  const RouterArgs args{backend->upload(w.spec(ActivationKind::kF32), w), {}, 8, 8, true};
  const Routing out{backend->allocate(DType::kI32, 1, 8), backend->allocate(DType::kF32, 1, 8)};
  backend->reserve(1);
  backend->router(out, testing::tensor(*backend, x, 128), args);
  double sum = 0;
  for (const double logit : exact) sum += std::exp(logit);
  const std::vector<float> weights = testing::to_host(*backend, out.weights);
  for (int64_t e = 0; e < 8; ++e) EXPECT_NEAR(weights[e], std::exp(exact[e]) / sum, 1e-4 * weights[e]);
}

}  // namespace
}  // namespace moebius::reference
