// GatedDeltaNet between its projections (N8). Each token, one after another, goes through causal convolution and SiLU,
// L2 norms, gates, the delta rule on S, and gated RMSNorm. The chunked form is not used, because a token's result must
// not depend on how the prompt was cut.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/norm.h"
#include "backend/reference/operations.h"
#include "backend/reference/sums.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

constexpr int64_t kSegment = 32;  // rows of S that share an accumulator

// The inputs of one token in one head: q, k [Dk], v [Dv], and the gates.
struct HeadInput {
  const float* q;
  const float* k;
  const float* v;
  float g;
  float beta;
};

// out [conv_dim] = silu(causal depthwise convolution). u [conv_dim] is the token's row before the convolution.
// conv_rows [Kc - 1, conv_dim] are the rows before u, oldest first; they move on by one.
void convolve(float* out, float* conv_rows, const float* u, const StoredConvolution& conv) {
  const int64_t channels = conv.spec.channels;
  const int64_t kernel = conv.spec.kernel;
  for (int64_t ch = 0; ch < channels; ++ch) {
    float acc = 0;
    for (int64_t j = 0; j < kernel; ++j) {
      const float input = j + 1 < kernel ? conv_rows[j * channels + ch] : u[ch];
      acc = fmath::fma(conv.taps[ch * kernel + j], input, acc);
    }
    out[ch] = fmath::silu(acc);
  }
  if (kernel == 1) return;
  std::copy(conv_rows + channels, conv_rows + (kernel - 1) * channels, conv_rows);
  std::copy_n(u, channels, conv_rows + (kernel - 2) * channels);
}

// The dot product of a column and x, rows ascending in segments of 32.
float column_dot(const std::vector<float>& column, const float* x) {
  const auto rows = static_cast<int64_t>(column.size());
  float y = 0;
  for (int64_t first = 0; first < rows; first += kSegment) {
    float acc = 0;
    for (int64_t r = first; r < std::min(first + kSegment, rows); ++r) acc = fmath::fma(column[r], x[r], acc);
    y += acc;
  }
  return y;
}

// Computes o [Dv] from S [Dk, Dv], and advances S by one token. m and n read the undecayed S, so S is read once and
// written once.
void delta_rule(float* o, float* s, const HeadInput& in, int64_t key_dim, int64_t value_dim) {
  const float kq = dot(in.k, in.q, key_dim);
  std::vector<float> column(key_dim);
  for (int64_t c = 0; c < value_dim; ++c) {
    for (int64_t r = 0; r < key_dim; ++r) column[r] = s[r * value_dim + c];
    const float m = column_dot(column, in.k);
    const float n = column_dot(column, in.q);
    const float d = in.beta * (in.v[c] - in.g * m);
    o[c] = fmath::fma(kq, d, in.g * n);
    for (int64_t r = 0; r < key_dim; ++r) s[r * value_dim + c] = fmath::fma(in.k[r], d, in.g * column[r]);
  }
}

// x [n] = ((x * r) * w) * gate(z). The norm comes before the gate.
void gated_rms_norm(float* x, const float* z, const DeltaNetArgs& args) {
  const int64_t n = args.shape.value_head_dim;
  rms_norm_row(x, x, f32(args.norm), n, args.eps);
  for (int64_t i = 0; i < n; ++i) x[i] *= args.sigmoid_gate ? fmath::sigmoid(z[i]) : fmath::silu(z[i]);
}

// Normalizes q and k of every key head in place. q also takes the softmax-like scale Dk^-0.5.
void normalize_heads(float* q, float* k, const DeltaShape& shape) {
  const int64_t dim = shape.key_head_dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  for (int64_t head = 0; head < shape.key_heads; ++head) {
    l2_normalize_row(q + head * dim, dim);
    l2_normalize_row(k + head * dim, dim);
  }
  for (int64_t i = 0; i < shape.key_dim(); ++i) q[i] *= scale;
}

// The decay g = exp(log g), in (0, 1].
float decay(float a, float a_log, float dt_bias) {
  const float log_g = (-fmath::exp(a_log)) * fmath::softplus(a + dt_bias);
  return fmath::exp(log_g);
}

// Advances the state by one token. out [Hv * Dv] is the result of the delta rule, before the gated norm.
void delta_token(float* out, SequenceState& state, const DeltaNetArgs& args, const DeltaInputs& in,
                 const StoredConvolution& conv) {
  const DeltaShape& shape = args.shape;
  std::vector<float> c(shape.conv_dim());  // q [Hk * Dk], k [Hk * Dk], v [Hv * Dv]
  convolve(c.data(), state.conv_rows(args.layer), f32(in.qkv), conv);
  normalize_heads(c.data(), c.data() + shape.key_dim(), shape);
  for (int64_t head = 0; head < shape.value_heads; ++head) {
    const int64_t key_head = head / (shape.value_heads / shape.key_heads);
    const float* q = c.data() + key_head * shape.key_head_dim;
    const float* v = c.data() + 2 * shape.key_dim() + head * shape.value_head_dim;
    const float g = decay(f32(in.a)[head], f32(args.a_log)[head], f32(args.dt_bias)[head]);
    const float beta = fmath::sigmoid(f32(in.b)[head]);
    delta_rule(out + head * shape.value_head_dim, state.s(args.layer, head), {q, q + shape.key_dim(), v, g, beta},
               shape.key_head_dim, shape.value_head_dim);
  }
}

void keep_in_log(const LoggedTensors& log, const SequenceRows& rows, const DeltaInputs& in, int64_t layer) {
  const DeltaInputs to = log.rows(layer, rows.log_row, rows.rows);
  const auto copy = [](const Tensor& out, const Tensor& x) { std::copy_n(f32(x), x.rows * x.cols, f32(out)); };
  copy(to.qkv, in.qkv);
  copy(to.b, in.b);
  copy(to.a, in.a);
}

void check_spec(const StateSpec& spec, const DeltaNetArgs& args) {
  MOEBIUS_CHECK(args.layer >= 0 && args.layer < spec.delta_layers);
  MOEBIUS_CHECK(args.shape.conv_dim() == spec.delta.conv_dim() && args.shape.conv_kernel == spec.delta.conv_kernel);
  MOEBIUS_CHECK(args.shape.value_heads == spec.delta.value_heads);
  MOEBIUS_CHECK(args.shape.key_head_dim == spec.delta.key_head_dim);
}

}  // namespace

void ReferenceOperations::check_delta_net(const DeltaNetArgs& args) const {
  const DeltaShape& shape = args.shape;
  check_shape(args.a_log, 1, shape.value_heads);
  check_shape(args.dt_bias, 1, shape.value_heads);
  check_shape(args.norm, 1, shape.value_head_dim);
  const ConvolutionSpec& conv = weights_.convolution(args.conv).spec;
  MOEBIUS_CHECK(conv.channels == shape.conv_dim() && conv.kernel == shape.conv_kernel);
  MOEBIUS_CHECK(shape.value_heads % shape.key_heads == 0);
}

// out [T, Hv * Dv]
void ReferenceOperations::delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) {
  check_delta_net(args);
  const DeltaShape& shape = args.shape;
  check_shape(out.x, batch.rows, shape.value_dim());
  check_shape(args.qkv, batch.rows, shape.conv_dim());
  check_shape(args.z, batch.rows, shape.value_dim());
  check_shape(args.b, batch.rows, shape.value_heads);
  check_shape(args.a, batch.rows, shape.value_heads);
  const StoredConvolution& conv = weights_.convolution(args.conv);
  for (const SequenceRows& rows : batch_.at(batch).sequences()) {
    SequenceState& state = memory_.state(rows.state);
    check_spec(state.spec(), args);
    MOEBIUS_CHECK(rows.draft ? rows.rows <= state.spec().draft_rows : !state.has_draft());
    const DeltaInputs in = DeltaInputs{args.qkv, args.b, args.a}.slice(rows.first_row, rows.rows);
    if (rows.log.id >= 0) keep_in_log(memory_.log(rows.log), rows, in, args.layer);
    if (rows.draft) state.begin_draft(args.layer);
    for (int64_t i = 0; i < rows.rows; ++i) {
      const int64_t t = rows.first_row + i;
      delta_token(row(out.x, t), state, args, in.slice(i, 1), conv);
      for (int64_t head = 0; head < shape.value_heads; ++head) {
        const int64_t column = head * shape.value_head_dim;
        gated_rms_norm(row(out.x, t) + column, row(args.z, t) + column, args);
      }
      if (rows.draft) state.end_draft_row(args.layer);
    }
    traffic_.state_bytes += 2 * state.recurrent_bytes();
  }
}

void ReferenceOperations::replay_delta_net(const DeltaNetArgs& args, Batch batch) {
  check_delta_net(args);
  std::vector<float> unused(args.shape.value_dim());
  for (const SequenceRows& rows : batch_.at(batch).sequences()) {
    SequenceState& state = memory_.state(rows.state);
    check_spec(state.spec(), args);
    MOEBIUS_CHECK(!rows.draft && !state.has_draft());
    const DeltaInputs in = memory_.log(rows.log).rows(args.layer, rows.log_row, rows.rows);
    for (int64_t i = 0; i < rows.rows; ++i) {
      delta_token(unused.data(), state, args, in.slice(i, 1), weights_.convolution(args.conv));
    }
    traffic_.state_bytes += 2 * state.recurrent_bytes();
  }
}

}  // namespace moebius::internal::reference
