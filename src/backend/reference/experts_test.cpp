// Tests the MoE layer against double precision: routed and shared experts of different widths and formats, uneven
// routing, and the order in which a token's experts are summed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

using testing::HostMatrix;

struct Group {
  Group(int64_t count_, int64_t width_, int64_t dim, const WeightFormat& gate_up, const WeightFormat& down_format,
        uint64_t seed)
      : count(count_),
        width(width_),
        gate(count * width, dim, gate_up, seed),
        up(count * width, dim, gate_up, seed + 1),
        down(count * dim, width, down_format, seed + 2),
        spec{count, width, gate_up, down_format, &gate, &up, &down} {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int64_t count, width;
  HostMatrix gate, up, down;
  ExpertGroupSpec spec;
};

using testing::Routes;

struct Layer {
  std::unique_ptr<Backend> backend;
  Experts experts;
};

Layer load(const Group& routed, const Group* shared, ActivationKind activations = ActivationKind::kInt8) {
  Layer layer{make_reference_backend(activations), {}};
  ExpertsSpec spec{"experts", routed.gate.cols(), routed.spec, {}};
  if (shared != nullptr) spec.shared = shared->spec;
  layer.experts = layer.backend->weights().upload_experts(spec);
  testing::reserve(*layer.backend, 16);
  return layer;
}

std::vector<float> run(Layer& layer, const std::vector<float>& x, int64_t dim, const Routes& routes,
                       ExpertPath path = ExpertPath::kFused) {
  Backend& backend = *layer.backend;
  const Tensor input = testing::tensor(backend, x, dim);
  const Tensor out = testing::output(backend, input.rows, dim);
  backend.operations().experts({out}, {input}, testing::routing_of(backend, routes), layer.experts, path);
  return testing::to_host(backend, out);
}

double exact_dot(const HostMatrix& w, int64_t row, const double* x) {
  double sum = 0;
  for (int64_t k = 0; k < w.cols(); ++k) sum += w.at(row, k) * x[k];
  return sum;
}

std::vector<double> exact_expert(const Group& group, int64_t e, const double* x, int64_t dim) {
  std::vector<double> h(group.width), y(dim);
  for (int64_t f = 0; f < group.width; ++f) {
    const double gate = exact_dot(group.gate, e * group.width + f, x);
    h[f] = gate / (1 + std::exp(-gate)) * exact_dot(group.up, e * group.width + f, x);
  }
  for (int64_t d = 0; d < dim; ++d) y[d] = exact_dot(group.down, e * dim + d, h.data());
  return y;
}

std::vector<double> exact_layer(const Group& routed, const Group* shared, const std::vector<float>& x, int64_t dim,
                                const Routes& routes) {
  const std::vector<double> input(x.begin(), x.end());
  std::vector<double> out(x.size(), 0.0);
  for (int64_t t = 0; t < static_cast<int64_t>(x.size()) / dim; ++t) {
    for (int64_t slot = 0; slot < routes.slots; ++slot) {
      const int32_t id = routes.ids[t * routes.slots + slot];
      const bool is_shared = id == routed.count;
      const std::vector<double> y =
          exact_expert(is_shared ? *shared : routed, is_shared ? 0 : id, input.data() + t * dim, dim);
      for (int64_t d = 0; d < dim; ++d) out[t * dim + d] += routes.weights[t * routes.slots + slot] * y[d];
    }
  }
  return out;
}

// The norm of the difference, divided by the norm of the expected values.
double relative_error(const std::vector<float>& out, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    difference += (out[i] - expected[i]) * (out[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

// Three tokens on four experts: expert 0 serves all tokens, expert 2 serves none. Entry 4 is the shared expert.
const Routes kUneven{3, {0, 1, 4, 0, 3, 4, 0, 1, 4}, {0.7f, 0.3f, 0.9f, 0.5f, 0.5f, 0.2f, 0.1f, 0.9f, 0.4f}};

TEST(Experts, meet_double_precision_with_dense_weights) {
  const int64_t dim = 100;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const Group routed(4, 24, dim, testing::dense(dtype), testing::dense(dtype), 1);
    const Group shared(1, 40, dim, testing::dense(dtype), testing::dense(dtype), 11);
    const std::vector<float> x = testing::normals(3 * dim, 2);
    Layer layer = load(routed, &shared);
    EXPECT_LT(relative_error(run(layer, x, dim, kUneven), exact_layer(routed, &shared, x, dim, kUneven)), 1e-5);
  }
}

TEST(Experts, meet_double_precision_on_decoded_weights_with_f32_activations) {
  const int64_t dim = 192;
  const Group routed(4, 64, dim, testing::affine(3, 64), testing::affine(6, 32), 1);
  const Group shared(1, 128, dim, testing::affine(8, 32), testing::affine(5, 128), 11);
  const std::vector<float> x = testing::normals(3 * dim, 2);
  Layer layer = load(routed, &shared, ActivationKind::kF32);
  EXPECT_LT(relative_error(run(layer, x, dim, kUneven), exact_layer(routed, &shared, x, dim, kUneven)), 1e-5);
}

TEST(Experts, with_int8_activations_stay_within_their_rounding) {
  const int64_t dim = 192;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const Group routed(4, 96, dim, testing::affine(bits, 64), testing::affine(bits, 32), 1);
    const Group shared(1, 64, dim, testing::affine(8, 32), testing::dense(DType::kBF16), 11);
    const std::vector<float> x = testing::normals(3 * dim, 2);
    Layer layer = load(routed, &shared);
    const double error = relative_error(run(layer, x, dim, kUneven), exact_layer(routed, &shared, x, dim, kUneven));
    EXPECT_LT(error, 0.03) << bits << " bits";
    EXPECT_GT(error, 1e-4) << bits << " bits: were the activations quantized at all?";
  }
}

TEST(Experts, without_a_shared_one_meet_double_precision) {
  const int64_t dim = 50;
  const Group routed(4, 24, dim, testing::dense(DType::kF32), testing::dense(DType::kF32), 1);
  const Routes routes{2, {1, 3, 0, 2}, {0.25f, 0.75f, 0.5f, 0.5f}};
  const std::vector<float> x = testing::normals(2 * dim, 2);
  Layer layer = load(routed, nullptr);
  EXPECT_LT(relative_error(run(layer, x, dim, routes), exact_layer(routed, nullptr, x, dim, routes)), 1e-5);
}

TEST(Experts, give_the_same_bits_on_every_path_and_to_a_token_alone) {
  const int64_t dim = 192;
  const Group routed(4, 64, dim, testing::affine(3, 64), testing::affine(3, 64), 1);
  const Group shared(1, 64, dim, testing::affine(3, 64), testing::affine(3, 64), 11);
  const std::vector<float> x = testing::activations(3, dim, 2);
  Layer layer = load(routed, &shared);
  const std::vector<float> batch = run(layer, x, dim, kUneven);
  EXPECT_EQ(run(layer, x, dim, kUneven, ExpertPath::kConcat), batch);
  EXPECT_EQ(run(layer, x, dim, kUneven, ExpertPath::kUnfused), batch);
  for (int64_t t = 0; t < 3; ++t) {
    const Routes alone{3,
                       {kUneven.ids.begin() + 3 * t, kUneven.ids.begin() + 3 * t + 3},
                       {kUneven.weights.begin() + 3 * t, kUneven.weights.begin() + 3 * t + 3}};
    EXPECT_EQ(run(layer, {x.begin() + t * dim, x.begin() + (t + 1) * dim}, dim, alone),
              (std::vector<float>{batch.begin() + t * dim, batch.begin() + (t + 1) * dim}));
  }
}

// Weights for experts with one dim and one hidden unit. gate and up are chosen so that h is exactly 1, so the result of
// an expert is its `down`.
struct Constant : RowSource {
  explicit Constant(std::vector<float> v) : values(std::move(v)) {}
  void read(int64_t first, int64_t count, const Rows& out) const override {
    std::memcpy(out.weights, values.data() + first, count * sizeof(float));
  }
  std::vector<float> values;
};

TEST(Experts, are_summed_in_ascending_id_with_the_shared_one_last) {
  const float up = 1.0f / fmath::silu(64.0f);  // silu(64) is 64
  const Constant gates({64.0f, 64.0f, 64.0f}), ups({up, up, up});
  const Constant downs({0x1p24f, 1.0f, -0x1p24f});  // in ascending order the 1 is lost, then the large values cancel
  const Constant gate({64.0f}), shared_up({up}), down({3.0f});
  const WeightFormat f32 = testing::dense(DType::kF32);
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const Experts experts = backend->weights().upload_experts(
      {"experts", 1, {3, 1, f32, f32, &gates, &ups, &downs}, {1, 1, f32, f32, &gate, &shared_up, &down}});
  testing::reserve(*backend, 1);
  const Tensor out = testing::output(*backend, 1, 1);
  const Routing routing = testing::routing_of(*backend, {4, {0, 1, 2, 3}, {1, 1, 1, 1}});
  backend->operations().experts({out}, {testing::tensor(*backend, {1.0f}, 1)}, routing, experts, ExpertPath::kFused);
  EXPECT_EQ(testing::to_host(*backend, out)[0], 3.0f);
}

TEST(Experts, of_a_dense_mlp_are_one_that_every_row_takes_whole) {
  const int64_t dim = 192;
  const Group mlp(1, 64, dim, testing::affine(4, 64), testing::affine(4, 64), 1);
  Layer layer = load(mlp, nullptr);
  const std::vector<float> x = testing::normals(3 * dim, 2);
  const Tensor out = testing::output(*layer.backend, 3, dim);
  layer.backend->operations().experts({out}, {testing::tensor(*layer.backend, x, dim)}, {}, layer.experts,
                                      ExpertPath::kFused);
  EXPECT_EQ(testing::to_host(*layer.backend, out), run(layer, x, dim, {1, {0, 0, 0}, {1, 1, 1}}));
}

TEST(Experts, count_the_bytes_of_the_distinct_ones) {
  const int64_t dim = 192;
  const Group routed(4, 64, dim, testing::affine(3, 64), testing::affine(3, 64), 1);
  const Group shared(1, 128, dim, testing::affine(8, 64), testing::affine(8, 64), 11);
  Layer layer = load(routed, &shared);
  run(layer, testing::normals(3 * dim, 2), dim, kUneven);
  const Traffic traffic = layer.backend->probes().traffic();
  const int64_t routed_bytes = (routed.gate.bytes() + routed.up.bytes() + routed.down.bytes()) / 4;
  EXPECT_EQ(traffic.weight_bytes, 3 * routed_bytes + shared.gate.bytes() + shared.up.bytes() + shared.down.bytes());
  EXPECT_EQ(traffic.expert_layers, 1);
  EXPECT_EQ(traffic.distinct_experts, 3);
  EXPECT_EQ(layer.backend->weights().packed_bytes(),
            4 * routed_bytes + shared.gate.bytes() + shared.up.bytes() + shared.down.bytes());
}

}  // namespace
}  // namespace moebius::internal::reference
