// Tests N7 against a plain softmax in double precision, over one block and over several. Also tests the invariances
// that promise 2 rests on: chunks, batches and the positions of blocks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
namespace {

struct Shape {
  int64_t heads = 4, kv_heads = 2, head_dim = 24, rotary_dim = 8;
  bool gated = true;
  DType kv_dtype = DType::kF32;
  [[nodiscard]] int64_t q_cols() const { return heads * head_dim * (gated ? 2 : 1); }
  [[nodiscard]] int64_t kv_cols() const { return kv_heads * head_dim; }
};

// The inputs of a layer for T tokens.
struct Inputs {
  int64_t tokens;
  std::vector<float> q, k, v, q_norm, k_norm, rope;
};

Inputs random_inputs(const Shape& shape, int64_t tokens, uint64_t seed) {
  Inputs in{tokens,
            testing::normals(tokens * shape.q_cols(), seed),
            testing::normals(tokens * shape.kv_cols(), seed + 1),
            testing::normals(tokens * shape.kv_cols(), seed + 2),
            testing::normals(shape.head_dim, seed + 3),
            testing::normals(shape.head_dim, seed + 4),
            {}};
  const int64_t half = shape.rotary_dim / 2;
  for (int64_t t = 0; t < tokens; ++t) {
    for (const bool sine : {false, true}) {
      for (int64_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
        in.rope.push_back(static_cast<float>(sine ? std::sin(angle) : std::cos(angle)));
      }
    }
  }
  return in;
}

StateSpec state_spec(const Shape& shape, int64_t context) {
  StateSpec spec;
  spec.context = context;
  spec.kv_dtype = shape.kv_dtype;
  spec.attention_layers = 2;
  spec.kv_heads = shape.kv_heads;
  spec.head_dim = shape.head_dim;
  return spec;
}

std::vector<float> rows_of(const std::vector<float>& x, int64_t cols, int64_t first, int64_t count) {
  return {x.begin() + first * cols, x.begin() + (first + count) * cols};
}

class Layer {
 public:
  Layer(const Shape& shape, const Inputs& in) : shape_(shape), in_(in), backend_(make_reference_backend()) {
    testing::reserve(*backend_, 2 * in.tokens);
    state_ = backend_->memory().create_state(state_spec(shape, in.tokens));
  }
  // Runs the rows [first, first + count) of the inputs at their positions. Returns out [count, H * head_dim].
  std::vector<float> step(int64_t first, int64_t count) {
    const SequenceRows rows = {.state = state_, .rows = count, .position = first};
    return run(rows_of(in_.q, shape_.q_cols(), first, count), rows_of(in_.k, shape_.kv_cols(), first, count),
               rows_of(in_.v, shape_.kv_cols(), first, count), {rows});
  }
  std::vector<float> run(const std::vector<float>& q, const std::vector<float>& k, const std::vector<float>& v,
                         const std::vector<SequenceRows>& sequences) {
    AttentionArgs args;
    args.q = testing::tensor(*backend_, q, shape_.q_cols());
    args.k = testing::tensor(*backend_, k, shape_.kv_cols());
    args.v = testing::tensor(*backend_, v, shape_.kv_cols());
    args.q_norm = testing::tensor(*backend_, in_.q_norm, shape_.head_dim);
    args.k_norm = testing::tensor(*backend_, in_.k_norm, shape_.head_dim);
    args.rope = backend_->weights().upload_table(in_.rope, in_.tokens, shape_.rotary_dim);
    args.shape = {.heads = shape_.heads,
                  .kv_heads = shape_.kv_heads,
                  .head_dim = shape_.head_dim,
                  .rotary_dim = shape_.rotary_dim,
                  .gated = shape_.gated};
    args.scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim));
    args.eps = 1e-6f;
    args.layer = 1;
    const Tensor out = testing::output(*backend_, args.q.rows, shape_.heads * shape_.head_dim);
    backend_->operations().attention({out}, args, testing::stage(*backend_, sequences));
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

std::vector<double> exact_norm_and_rope(const float* x, const std::vector<float>& w, const float* angles,
                                        const Shape& shape) {
  double sum = 0;
  for (int64_t d = 0; d < shape.head_dim; ++d) sum += static_cast<double>(x[d]) * x[d];
  std::vector<double> y(shape.head_dim);
  const double r = 1 / std::sqrt(sum / static_cast<double>(shape.head_dim) + 1e-6);
  for (int64_t d = 0; d < shape.head_dim; ++d) y[d] = x[d] * r * w[d];
  const int64_t half = shape.rotary_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double a = y[i], b = y[i + half];
    y[i] = a * angles[i] - b * angles[i + half];
    y[i + half] = b * angles[i] + a * angles[i + half];
  }
  return y;
}

// Computes one query head of token t in double, with a softmax over all keys at once.
std::vector<double> exact_head(const Shape& shape, const Inputs& in, int64_t t, int64_t head) {
  const int64_t dim = shape.head_dim;
  const float* query = in.q.data() + t * shape.q_cols() + head * dim * (shape.gated ? 2 : 1);
  const std::vector<double> q = exact_norm_and_rope(query, in.q_norm, in.rope.data() + t * shape.rotary_dim, shape);
  const int64_t kv_head = head / (shape.heads / shape.kv_heads);
  std::vector<double> o(dim, 0.0);
  double l = 0;
  for (int64_t j = 0; j <= t; ++j) {
    const int64_t at = j * shape.kv_cols() + kv_head * dim;
    const std::vector<double> k =
        exact_norm_and_rope(&in.k[at], in.k_norm, in.rope.data() + j * shape.rotary_dim, shape);
    double s = 0;
    for (int64_t d = 0; d < dim; ++d) s += q[d] * k[d];
    const double p = std::exp(s / std::sqrt(static_cast<double>(dim)));
    l += p;
    for (int64_t d = 0; d < dim; ++d) o[d] += p * in.v[at + d];
  }
  for (int64_t d = 0; d < dim; ++d) o[d] /= l * (shape.gated ? 1 + std::exp(-static_cast<double>(query[dim + d])) : 1);
  return o;
}

void expect_exact(const Shape& shape, const Inputs& in, const std::vector<float>& out, double tolerance) {
  for (int64_t t = 0; t < in.tokens; ++t) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      const std::vector<double> expected = exact_head(shape, in, t, head);
      for (int64_t d = 0; d < shape.head_dim; ++d) {
        ASSERT_NEAR(out[(t * shape.heads + head) * shape.head_dim + d], expected[d], tolerance)
            << "token " << t << " head " << head << " dim " << d;
      }
    }
  }
}

TEST(Attention, meets_double_precision_over_several_blocks) {
  const Shape shape;
  const Inputs in = random_inputs(shape, 530, 1);
  expect_exact(shape, in, Layer(shape, in).step(0, in.tokens), 1e-5);
}

TEST(Attention, meets_double_precision_in_every_shape) {
  const Shape shapes[] = {
      {.heads = 4, .kv_heads = 4, .head_dim = 16, .rotary_dim = 16, .gated = false},
      {.heads = 6, .kv_heads = 2, .head_dim = 20, .rotary_dim = 4, .gated = true},
      {.heads = 3, .kv_heads = 1, .head_dim = 32, .rotary_dim = 0, .gated = true},
      {.heads = 2, .kv_heads = 1, .head_dim = 256, .rotary_dim = 64, .gated = true},
  };
  for (const Shape& shape : shapes) {
    const Inputs in = random_inputs(shape, 21, 5);
    expect_exact(shape, in, Layer(shape, in).step(0, in.tokens), 1e-5);
  }
}

TEST(Attention, keeps_half_precision_caches_within_their_rounding) {
  const Shape shape{.kv_dtype = DType::kF16};
  const Inputs in = random_inputs(shape, 40, 2);
  const std::vector<float> out = Layer(shape, in).step(0, in.tokens);
  expect_exact(shape, in, out, 1e-2);
  EXPECT_NE(out, Layer(Shape{}, in).step(0, in.tokens));  // f16 was used at all
}

TEST(Attention, of_one_token_is_its_value) {
  const Shape shape{.heads = 1, .kv_heads = 1, .head_dim = 16, .rotary_dim = 0, .gated = false};
  const Inputs in = random_inputs(shape, 1, 3);
  EXPECT_EQ(Layer(shape, in).step(0, 1), in.v);
}

TEST(Attention, does_not_depend_on_how_the_prompt_is_cut) {
  for (const DType kv_dtype : {DType::kF32, DType::kF16}) {
    const Shape shape{.kv_dtype = kv_dtype};
    const Inputs in = random_inputs(shape, 300, 4);
    const std::vector<float> whole = Layer(shape, in).step(0, in.tokens);
    for (const int64_t chunk : {1, 7, 64, 255, 256, 257}) {
      Layer layer(shape, in);
      std::vector<float> cut;
      for (int64_t first = 0; first < in.tokens; first += chunk) {
        const std::vector<float> part = layer.step(first, std::min(chunk, in.tokens - first));
        cut.insert(cut.end(), part.begin(), part.end());
      }
      EXPECT_EQ(cut, whole) << "chunks of " << chunk;
    }
  }
}

TEST(Attention, gives_a_sequence_in_a_batch_what_it_gets_alone) {
  const Shape shape;
  const Inputs a = random_inputs(shape, 9, 5);
  const Inputs b = random_inputs(shape, 9, 50);
  Layer layer(shape, a);
  const State other = layer.backend().memory().create_state(state_spec(shape, 9));
  const auto joined = [](std::vector<float> x, const std::vector<float>& y) {
    x.insert(x.end(), y.begin(), y.end());
    return x;
  };
  const std::vector<float> out =
      layer.run(joined(a.q, b.q), joined(a.k, b.k), joined(a.v, b.v),
                {{.state = layer.state(), .rows = 9}, {.state = other, .first_row = 9, .rows = 9}});
  Inputs b_alone = b;  // takes the norms of a, because the layer has those
  b_alone.q_norm = a.q_norm;
  b_alone.k_norm = a.k_norm;
  EXPECT_EQ(out, joined(Layer(shape, a).step(0, 9), Layer(shape, b_alone).step(0, 9)));
}

}  // namespace
}  // namespace moebius::internal::reference
