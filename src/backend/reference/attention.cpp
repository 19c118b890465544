// Full attention (N7). Queries and keys are normalised per head and rotated. Keys and values enter the cache. Every
// query then walks the keys that it may see, in blocks of 256 absolute positions, which are merged in ascending order.
// Blocks lie at absolute positions so that a token's result does not depend on how the prompt was cut.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/reference/norm.h"
#include "backend/reference/operations.h"
#include "backend/reference/sums.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

constexpr int64_t kBlock = 256;  // positions

// The softmax over some keys so far: m is their largest score, l the sum of exp(s - m), and o the sum of the values
// weighted by exp(s - m).
struct Partial {
  float m;
  float l;
  std::vector<float> o;  // [head_dim]
};

// What one query head sees: the first `keys` positions of one KV head.
struct View {
  const SequenceState& cache;
  int64_t layer;
  int64_t head;
  int64_t keys;
};

// Rotates the first `rotary` dims (rotate-half). angles [rotary]: cosines, then sines.
void rotate(float* x, const float* angles, int64_t rotary) {
  const int64_t half = rotary / 2;
  for (int64_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    const float cosine = angles[i];
    const float sine = angles[i + half];
    x[i] = fmath::fma(-b, sine, a * cosine);
    x[i + half] = fmath::fma(a, sine, b * cosine);
  }
}

// Returns the query or key [head_dim] that enters the dot product.
std::vector<float> norm_and_rotate(const float* x, const Tensor& norm, const AttentionArgs& args, int64_t position) {
  std::vector<float> y(args.shape.head_dim);
  rms_norm_row(y.data(), x, f32(norm), args.shape.head_dim, args.eps);
  rotate(y.data(), row(args.rope, position), args.shape.rotary_dim);
  return y;
}

// Attends to the keys [first, first + count), which all lie within one block.
Partial attend_block(const std::vector<float>& q, const View& view, int64_t first, int64_t count, float scale) {
  const auto head_dim = static_cast<int64_t>(q.size());
  std::vector<float> row(q.size());
  std::vector<float> s(count);
  Partial block{-std::numeric_limits<float>::infinity(), 0.0f, std::vector<float>(q.size())};
  for (int64_t j = 0; j < count; ++j) {
    view.cache.load_key(row.data(), {view.layer, first + j, view.head});
    s[j] = dot(q.data(), row.data(), head_dim) * scale;
    block.m = s[j] > block.m ? s[j] : block.m;
  }
  LaneSum l;
  for (int64_t j = 0; j < count; ++j) {
    const float p = fmath::exp(s[j] - block.m);
    l.add(j, p);
    view.cache.load_value(row.data(), {view.layer, first + j, view.head});
    for (int64_t d = 0; d < head_dim; ++d) block.o[d] = fmath::fma(p, row[d], block.o[d]);
  }
  block.l = l.fold();
  return block;
}

void merge(Partial& total, const Partial& block) {
  const float m = block.m > total.m ? block.m : total.m;
  const float c = fmath::exp(total.m - m);
  const float c_block = fmath::exp(block.m - m);
  total.m = m;
  total.l = fmath::fma(total.l, c, block.l * c_block);
  for (size_t d = 0; d < total.o.size(); ++d) total.o[d] = fmath::fma(total.o[d], c, block.o[d] * c_block);
}

Partial attend(const std::vector<float>& q, const View& view, float scale) {
  Partial total = attend_block(q, view, 0, std::min(kBlock, view.keys), scale);
  for (int64_t first = kBlock; first < view.keys; first += kBlock) {
    merge(total, attend_block(q, view, first, std::min(kBlock, view.keys - first), scale));
  }
  return total;
}

// Appends the keys and values of one token to the cache.
void append(SequenceState& cache, const AttentionArgs& args, int64_t t, int64_t position) {
  const int64_t head_dim = args.shape.head_dim;
  for (int64_t head = 0; head < args.shape.kv_heads; ++head) {
    const SequenceState::Slot slot{args.layer, position, head};
    const std::vector<float> k = norm_and_rotate(row(args.k, t) + head * head_dim, args.k_norm, args, position);
    cache.store_key(slot, k.data());
    cache.store_value(slot, row(args.v, t) + head * head_dim);
  }
}

// Attention of one token: out [H * head_dim].
void attend_token(float* out, const SequenceState& cache, const AttentionArgs& args, int64_t t, int64_t position) {
  const AttentionShape& shape = args.shape;
  const int64_t head_dim = shape.head_dim;
  for (int64_t head = 0; head < shape.heads; ++head) {
    const float* query = row(args.q, t) + head * (shape.gated ? 2 * head_dim : head_dim);
    const std::vector<float> q = norm_and_rotate(query, args.q_norm, args, position);
    const View view{cache, args.layer, head / (shape.heads / shape.kv_heads), position + 1};
    const Partial total = attend(q, view, args.scale);
    for (int64_t d = 0; d < head_dim; ++d) {
      const float y = total.o[d] / total.l;
      out[head * head_dim + d] = shape.gated ? y * fmath::sigmoid(query[head_dim + d]) : y;
    }
  }
}

}  // namespace

// out [T, H * head_dim]
void ReferenceOperations::attention(const MixedRows& out, const AttentionArgs& args, Batch batch) {
  const AttentionShape& shape = args.shape;
  const int64_t rows = batch.rows;
  check_shape(out.x, rows, shape.out_cols());
  check_shape(args.q, rows, shape.query_cols());
  check_shape(args.k, rows, shape.kv_cols());
  check_shape(args.v, rows, shape.kv_cols());
  check_shape(args.q_norm, 1, shape.head_dim);
  check_shape(args.k_norm, 1, shape.head_dim);
  MOEBIUS_CHECK(shape.heads % shape.kv_heads == 0 && args.rope.cols == shape.rotary_dim);
  MOEBIUS_CHECK(shape.rotary_dim % 2 == 0 && shape.rotary_dim <= shape.head_dim);
  for (const SequenceRows& sequence : batch_.at(batch).sequences()) {
    SequenceState& cache = memory_.state(sequence.state);
    const int64_t end = sequence.position + sequence.rows;
    MOEBIUS_CHECK(end <= cache.positions() && end <= args.rope.rows);
    MOEBIUS_CHECK(shape.kv_heads == cache.spec().kv_heads && shape.head_dim == cache.spec().head_dim);
    const auto each_row = [&](const auto& body) {
      for (int64_t i = 0; i < sequence.rows; ++i) body(sequence.first_row + i, sequence.position + i);
    };
    each_row([&](int64_t t, int64_t position) { append(cache, args, t, position); });
    each_row([&](int64_t t, int64_t position) { attend_token(row(out.x, t), cache, args, t, position); });
    traffic_.kv_bytes += cache.kv_bytes(end);
  }
}

}  // namespace moebius::internal::reference
