// Tests of N8: the worked example of the recurrence; a whole layer against the textbook form (decay first) in double
// precision; and the invariances: chunks, batches, reset.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
namespace {

struct Shape {
  int64_t key_heads = 2, value_heads = 4, key_head_dim = 16, value_head_dim = 24, conv_kernel = 4;
  bool sigmoid_gate = false;
  float eps = 1e-6f;
  [[nodiscard]] int64_t key_dim() const { return key_heads * key_head_dim; }
  [[nodiscard]] int64_t value_dim() const { return value_heads * value_head_dim; }
  [[nodiscard]] int64_t conv_dim() const { return 2 * key_dim() + value_dim(); }
};

struct Inputs {
  int64_t tokens;
  std::vector<float> qkv, z, b, a;                // [T, ...]
  std::vector<float> conv, a_log, dt_bias, norm;  // weights
};

Inputs random_inputs(const Shape& shape, int64_t tokens, uint64_t seed) {
  return {tokens,
          testing::normals(tokens * shape.conv_dim(), seed),
          testing::normals(tokens * shape.value_dim(), seed + 1),
          testing::normals(tokens * shape.value_heads, seed + 2),
          testing::normals(tokens * shape.value_heads, seed + 3),
          testing::normals(shape.conv_dim() * shape.conv_kernel, seed + 4, 0.5f),
          testing::normals(shape.value_heads, seed + 5),
          testing::normals(shape.value_heads, seed + 6),
          testing::normals(shape.value_head_dim, seed + 7)};
}

std::vector<float> rows_of(const std::vector<float>& x, int64_t cols, int64_t first, int64_t count) {
  return {x.begin() + first * cols, x.begin() + (first + count) * cols};
}

class Layer {
 public:
  Layer(const Shape& shape, const Inputs& in) : shape_(shape), in_(in), backend_(make_reference_backend()) {
    testing::reserve(*backend_, 2 * in.tokens);
    state_ = create_state();
  }
  [[nodiscard]] DeltaShape delta_shape() const {
    return {.key_heads = shape_.key_heads,
            .value_heads = shape_.value_heads,
            .key_head_dim = shape_.key_head_dim,
            .value_head_dim = shape_.value_head_dim,
            .conv_kernel = shape_.conv_kernel};
  }
  State create_state() {
    StateSpec spec;
    spec.delta_layers = 2;
    spec.delta = delta_shape();
    return backend_->memory().create_state(spec);
  }
  // Continues the layer's own sequence with the rows [first, first + count) of the inputs.
  std::vector<float> step(int64_t first, int64_t count) {
    return run(first, count, {{.state = state_, .rows = count}});
  }
  std::vector<float> run(int64_t first, int64_t count, const std::vector<SequenceRows>& sequences) {
    const auto rows = [&](const std::vector<float>& x, int64_t cols) {
      return testing::tensor(*backend_, rows_of(x, cols, first, count), cols);
    };
    DeltaNetArgs args;
    args.qkv = rows(in_.qkv, shape_.conv_dim());
    args.z = rows(in_.z, shape_.value_dim());
    args.b = rows(in_.b, shape_.value_heads);
    args.a = rows(in_.a, shape_.value_heads);
    args.conv = backend_->weights().upload_convolution({shape_.conv_dim(), shape_.conv_kernel}, in_.conv);
    args.a_log = testing::tensor(*backend_, in_.a_log, shape_.value_heads);
    args.dt_bias = testing::tensor(*backend_, in_.dt_bias, shape_.value_heads);
    args.norm = testing::tensor(*backend_, in_.norm, shape_.value_head_dim);
    args.shape = delta_shape();
    args.eps = shape_.eps;
    args.sigmoid_gate = shape_.sigmoid_gate;
    args.layer = 1;
    const Tensor out = testing::output(*backend_, count, shape_.value_dim());
    backend_->operations().delta_net({out}, args, testing::stage(*backend_, sequences));
    return testing::to_host(*backend_, out);
  }
  [[nodiscard]] Backend& backend() { return *backend_; }
  [[nodiscard]] State state() const { return state_; }

 private:
  Shape shape_;
  const Inputs& in_;
  std::unique_ptr<Backend> backend_;
  State state_;
};

// Returns x with silu(x) = y, for y > -0.27, on the branch where silu rises.
float inverse_silu(double y) {
  double low = -1.27, high = std::fabs(y) + 2;
  for (int i = 0; i < 100; ++i) {
    const double mid = (low + high) / 2;
    (mid / (1 + std::exp(-mid)) < y ? low : high) = mid;
  }
  return static_cast<float>(low);
}

// Appends a token of the worked example. v is a tenth of the value in the example, because SiLU gives nothing below
// -0.278.
void append_example(Inputs& in, std::vector<double> k, std::vector<double> q, std::vector<double> v, double g,
                    double beta) {
  for (const double x : q) in.qkv.push_back(static_cast<float>(1000 * x));  // so large that eps of the L2 norm vanishes
  for (const double x : k) in.qkv.push_back(static_cast<float>(1000 * x));
  for (const double x : v) in.qkv.push_back(inverse_silu(x / 10));
  in.z.insert(in.z.end(), {100.0f, 100.0f});  // sigmoid(z) is 1
  in.b.push_back(static_cast<float>(std::log(beta / (1 - beta))));
  in.a.push_back(static_cast<float>(std::log(1 / g - 1)));  // with A_log = dt_bias = 0, g = exp(-softplus(a))
}

TEST(DeltaNet, meets_the_worked_example_of_the_recurrence) {
  // A huge eps with norm weights to match turns the gated RMSNorm into the identity.
  const Shape shape{.key_heads = 1,
                    .value_heads = 1,
                    .key_head_dim = 2,
                    .value_head_dim = 2,
                    .conv_kernel = 1,
                    .sigmoid_gate = true,
                    .eps = 0x1p40f};
  Inputs in{2, {}, {}, {}, {}, std::vector<float>(6, 1.0f), {0.0f}, {0.0f}, {0x1p20f, 0x1p20f}};
  append_example(in, {1, 0}, {1, 0}, {2, -1}, 0.9, 0.5);
  append_example(in, {0.6, 0.8}, {0.5, 0.5}, {1, 3}, 0.8, 0.25);
  const std::vector<float> o = Layer(shape, in).step(0, 2);
  EXPECT_NEAR(10 * o[0], 0.7071068, 1e-6);
  EXPECT_NEAR(10 * o[1], -0.3535534, 1e-6);
  EXPECT_NEAR(10 * o[2], 0.491, 1e-6);
  EXPECT_NEAR(10 * o[3], 0.367, 1e-6);
}

double silu(double x) { return x / (1 + std::exp(-x)); }

// The convolution with SiLU of token t in double: [conv_dim].
std::vector<double> exact_conv(const Shape& shape, const Inputs& in, int64_t t) {
  std::vector<double> c(shape.conv_dim(), 0.0);
  for (int64_t ch = 0; ch < shape.conv_dim(); ++ch) {
    for (int64_t j = 0; j < shape.conv_kernel; ++j) {
      const int64_t from = t - (shape.conv_kernel - 1) + j;
      if (from < 0) continue;
      c[ch] += static_cast<double>(in.conv[ch * shape.conv_kernel + j]) * in.qkv[from * shape.conv_dim() + ch];
    }
    c[ch] = silu(c[ch]);
  }
  return c;
}

std::vector<double> unit(const double* x, int64_t n, double scale) {
  double sum = 1e-6;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  std::vector<double> y(x, x + n);
  for (double& value : y) value *= scale / std::sqrt(sum);
  return y;
}

// The textbook step of one head: decay S [Dk, Dv], correct it, read it.
std::vector<double> exact_recurrence(std::vector<double>& s, const std::vector<double>& q, const std::vector<double>& k,
                                     const double* v, double g, double beta) {
  const auto columns = static_cast<int64_t>(s.size() / k.size());
  std::vector<double> o(columns, 0.0);
  for (double& value : s) value *= g;
  for (int64_t c = 0; c < columns; ++c) {
    double m = 0;
    for (size_t r = 0; r < k.size(); ++r) m += s[r * columns + c] * k[r];
    for (size_t r = 0; r < k.size(); ++r) {
      s[r * columns + c] += k[r] * beta * (v[c] - m);
      o[c] += s[r * columns + c] * q[r];
    }
  }
  return o;
}

std::vector<double> exact_layer(const Shape& shape, const Inputs& in) {
  const int64_t dk = shape.key_head_dim, dv = shape.value_head_dim;
  std::vector<std::vector<double>> s(shape.value_heads, std::vector<double>(dk * dv, 0.0));
  std::vector<double> out;
  for (int64_t t = 0; t < in.tokens; ++t) {
    const std::vector<double> c = exact_conv(shape, in, t);
    for (int64_t u = 0; u < shape.value_heads; ++u) {
      const int64_t head = u / (shape.value_heads / shape.key_heads);
      const std::vector<double> q = unit(&c[head * dk], dk, 1 / std::sqrt(static_cast<double>(dk)));
      const std::vector<double> k = unit(&c[shape.key_dim() + head * dk], dk, 1);
      const double a = static_cast<double>(in.a[t * shape.value_heads + u]) + in.dt_bias[u];
      const double g = std::exp(-std::exp(static_cast<double>(in.a_log[u])) * std::log1p(std::exp(a)));
      const double beta = 1 / (1 + std::exp(-static_cast<double>(in.b[t * shape.value_heads + u])));
      const std::vector<double> o = exact_recurrence(s[u], q, k, &c[2 * shape.key_dim() + u * dv], g, beta);
      double sum = 0;
      for (const double x : o) sum += x * x;
      for (int64_t i = 0; i < dv; ++i) {
        const double z = in.z[(t * shape.value_heads + u) * dv + i];
        const double gate = shape.sigmoid_gate ? 1 / (1 + std::exp(-z)) : silu(z);
        out.push_back(in.norm[i] * o[i] / std::sqrt(sum / static_cast<double>(dv) + shape.eps) * gate);
      }
    }
  }
  return out;
}

TEST(DeltaNet, meets_double_precision_in_every_shape) {
  const Shape shapes[] = {
      {.key_heads = 2, .value_heads = 2, .key_head_dim = 16, .value_head_dim = 16},
      {.key_heads = 2, .value_heads = 4, .key_head_dim = 40, .value_head_dim = 24},
      {.key_heads = 1, .value_heads = 3, .key_head_dim = 32, .value_head_dim = 20},
      {.key_heads = 2, .value_heads = 8, .key_head_dim = 64, .value_head_dim = 16, .sigmoid_gate = true},
      {.key_heads = 1, .value_heads = 2, .key_head_dim = 128, .value_head_dim = 128},
      {.key_heads = 2, .value_heads = 2, .key_head_dim = 16, .value_head_dim = 16, .conv_kernel = 2},
  };
  for (const Shape& shape : shapes) {
    const Inputs in = random_inputs(shape, 70, 1);
    const std::vector<float> out = Layer(shape, in).step(0, in.tokens);
    const std::vector<double> expected = exact_layer(shape, in);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 2e-4 + 2e-4 * std::fabs(expected[i])) << i;
  }
}

TEST(DeltaNet, does_not_depend_on_how_the_prompt_is_cut) {
  const Shape shape;
  const Inputs in = random_inputs(shape, 65, 2);
  const std::vector<float> whole = Layer(shape, in).step(0, in.tokens);
  for (const int64_t chunk : {1, 2, 3, 7, 64}) {
    Layer layer(shape, in);
    std::vector<float> cut;
    for (int64_t first = 0; first < in.tokens; first += chunk) {
      const std::vector<float> part = layer.step(first, std::min(chunk, in.tokens - first));
      cut.insert(cut.end(), part.begin(), part.end());
    }
    EXPECT_EQ(cut, whole) << "chunks of " << chunk;
  }
}

TEST(DeltaNet, gives_a_sequence_in_a_batch_what_it_gets_alone) {
  const Shape shape;
  const Inputs in = random_inputs(shape, 12, 3);
  Layer layer(shape, in);
  const State other = layer.create_state();
  const std::vector<float> batch =
      layer.run(0, 12, {{.state = layer.state(), .rows = 5}, {.state = other, .first_row = 5, .rows = 7}});
  Layer alone(shape, in);
  std::vector<float> expected = alone.step(0, 5);
  alone.backend().memory().reset_state(alone.state());
  const std::vector<float> second = alone.step(5, 7);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(batch, expected);
}

TEST(DeltaNet, forgets_everything_on_reset) {
  const Shape shape;
  const Inputs in = random_inputs(shape, 10, 4);
  Layer layer(shape, in);
  const std::vector<float> first = layer.step(0, 10);
  EXPECT_NE(layer.step(0, 10), first);
  layer.backend().memory().reset_state(layer.state());
  EXPECT_EQ(layer.step(0, 10), first);
}

}  // namespace
}  // namespace moebius::internal::reference
