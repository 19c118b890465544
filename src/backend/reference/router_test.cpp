// Tests of N9: the worked example, ties, broken rows, and the softmax against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A dense f32 matrix [n, 1]. With x = 1, its rows are the logits.
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

using testing::Routes;

enum class Softmax { kOverChosen, kOverAll };

Routes route(const std::vector<float>& logits, int64_t top_k, Softmax softmax = Softmax::kOverChosen,
             const float* shared_logit = nullptr) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const Column router(logits);
  WeightLoader& weights = backend->weights();
  RouterArgs args;
  args.shape = {.experts = std::ssize(logits), .top_k = top_k, .shared = shared_logit != nullptr};
  args.router = weights.upload_matrix(router.spec(), router);
  args.renormalize = softmax == Softmax::kOverChosen;
  if (shared_logit != nullptr) {
    const Column gate({*shared_logit});
    args.shared_gate = weights.upload_matrix(gate.spec(), gate);
  }
  const Routing out = backend->memory().allocate_routing(1, args.shape.slots());
  testing::reserve(*backend, 1);
  backend->operations().router(out, {testing::tensor(*backend, {1.0f}, 1)}, args);
  return testing::read_routes(*backend, out, 1, args.shape.slots());
}

TEST(Router, meets_the_worked_example) {
  const std::vector<float> logits = {2, 1, 0.5, 0, -1, -2, 1.5, 0.25};
  const Routes chosen = route(logits, 2);
  EXPECT_EQ(chosen.ids, (std::vector<int32_t>{0, 6}));
  EXPECT_NEAR(chosen.weights[0], 0.622459, 1e-6);
  EXPECT_NEAR(chosen.weights[1], 0.377541, 1e-6);
  const Routes all = route(logits, 2, Softmax::kOverAll);
  EXPECT_EQ(all.ids, (std::vector<int32_t>{0, 6}));
  EXPECT_NEAR(all.weights[0], 0.388387, 1e-6);
  EXPECT_NEAR(all.weights[1], 0.235569, 1e-6);
}

TEST(Router, lists_the_chosen_in_ascending_id) {
  EXPECT_EQ(route({0, 1, 2, 3, 9, 5, 6, 7}, 3).ids, (std::vector<int32_t>{4, 6, 7}));
}

TEST(Router, gives_ties_to_the_lower_id) {
  EXPECT_EQ(route({1, 2, 2, 1, 2}, 2).ids, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(route({0.0f, -0.0f, 0.0f, -0.0f}, 3).ids, (std::vector<int32_t>{0, 1, 2}));
}

TEST(Router, ranks_nan_below_minus_infinity) {
  const Routes routed = route({kNan, -kInfinity, kNan, 3.0f}, 2);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(routed.weights, (std::vector<float>{0.0f, 1.0f}));
}

TEST(Router, of_a_broken_row_still_names_distinct_experts_and_its_weights_are_nan) {
  const Routes routed = route({kNan, kNan, kNan}, 2);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{0, 1}));
  EXPECT_TRUE(std::isnan(routed.weights[0]));
  EXPECT_TRUE(std::isnan(routed.weights[1]));
}

TEST(Router, puts_the_shared_expert_last_with_its_sigmoid) {
  const float logit = -0.75f;
  const Routes routed = route({1, 2, 3, 4}, 2, Softmax::kOverChosen, &logit);
  EXPECT_EQ(routed.ids, (std::vector<int32_t>{2, 3, 4}));
  EXPECT_NEAR(routed.weights[2], 1 / (1 + std::exp(0.75)), 1e-6);
}

TEST(Router, meets_double_precision_with_and_without_renormalisation) {
  const std::vector<float> logits = testing::normals(60, 1, 4.0f);
  for (const Softmax softmax : {Softmax::kOverChosen, Softmax::kOverAll}) {
    const Routes routed = route(logits, 8, softmax);
    double all = 0;
    for (const float x : logits) all += std::exp(static_cast<double>(x));
    double chosen = 0;
    for (const int32_t id : routed.ids) chosen += std::exp(static_cast<double>(logits[id]));
    for (size_t i = 0; i < 8; ++i) {
      const double p =
          std::exp(static_cast<double>(logits[routed.ids[i]])) / (softmax == Softmax::kOverChosen ? chosen : all);
      EXPECT_NEAR(routed.weights[i], p, 2e-6 * p);
    }
  }
}

TEST(Router, takes_f32_activations_on_packed_weights) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const testing::HostMatrix w(8, 128, testing::affine(8, 64), 1);
  const std::vector<float> x = testing::activations(1, 128, 2);
  std::vector<double> exact(8, 0.0);
  for (int64_t e = 0; e < 8; ++e) {
    for (int64_t k = 0; k < 128; ++k) exact[e] += w.at(e, k) * x[k];
  }
  RouterArgs args;
  args.shape = {.experts = 8, .top_k = 8};
  args.router = testing::upload(*backend, w, ActivationKind::kF32);
  const Routing out = backend->memory().allocate_routing(1, 8);
  testing::reserve(*backend, 1);
  backend->operations().router(out, {testing::tensor(*backend, x, 128)}, args);
  double sum = 0;
  for (const double logit : exact) sum += std::exp(logit);
  const std::vector<float> weights = testing::read_routes(*backend, out, 1, 8).weights;
  for (int64_t e = 0; e < 8; ++e) EXPECT_NEAR(weights[e], std::exp(exact[e]) / sum, 1e-4 * weights[e]);
}

}  // namespace
}  // namespace moebius::internal::reference
