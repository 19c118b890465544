// N8: GatedDeltaNet between its projections. One token after another: causal convolution and SiLU, L2 norms, gates, the
// delta rule on S, gated RMSNorm. Never the chunked form: a token's result must not depend on how the prompt was cut.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/norm.h"
#include "backend/reference/reference_backend.h"
#include "backend/reference/sums.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::reference {
namespace {

constexpr int64_t kSegment = 32;  // rows of S that share an accumulator

// One token of one head: q, k [Dk], v [Dv], and its gates.
struct HeadInput {
  const float* q;
  const float* k;
  const float* v;
  float g;
  float beta;
};

// out [conv_dim] = silu(causal depthwise convolution); u [conv_dim] is the token's row before it. conv_rows [Kc - 1,
// conv_dim] are the rows before u, oldest first, and move on by one.
void convolve(float* out, float* conv_rows, const float* u, const Tensor& conv) {
  const int64_t channels = conv.rows;
  const int64_t kernel = conv.cols;
  for (int64_t ch = 0; ch < channels; ++ch) {
    float acc = 0;
    for (int64_t j = 0; j < kernel; ++j) {
      const float input = j + 1 < kernel ? conv_rows[j * channels + ch] : u[ch];
      acc = fmath::fma(conv.row(ch)[j], input, acc);
    }
    out[ch] = fmath::silu(acc);
  }
  if (kernel == 1) return;
  std::copy(conv_rows + channels, conv_rows + (kernel - 1) * channels, conv_rows);
  std::copy_n(u, channels, conv_rows + (kernel - 2) * channels);
}

// column . x, rows ascending in segments of 32
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

// o [Dv] from S [Dk, Dv], which moves on by one token. m and n read the undecayed S: S is read once and written once.
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

// x [n] = ((x * r) * w) * gate(z): the norm comes before the gate.
void gated_rms_norm(float* x, const float* z, const DeltaNetArgs& args) {
  const int64_t n = args.value_head_dim;
  rms_norm_row(x, x, args.norm.f32(), n, args.eps);
  for (int64_t i = 0; i < n; ++i) x[i] *= args.sigmoid_gate ? fmath::sigmoid(z[i]) : fmath::silu(z[i]);
}

// q and k of every key head, in place; q carries the softmax-like scale Dk^-0.5.
void normalize_heads(float* q, float* k, const DeltaNetArgs& args) {
  const int64_t dim = args.key_head_dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  for (int64_t head = 0; head < args.key_heads; ++head) {
    l2_normalize_row(q + head * dim, dim);
    l2_normalize_row(k + head * dim, dim);
  }
  for (int64_t i = 0; i < args.key_heads * dim; ++i) q[i] *= scale;
}

// exp(log g), in (0, 1]
float decay(float a, float a_log, float dt_bias) {
  const float log_g = (-fmath::exp(a_log)) * fmath::softplus(a + dt_bias);
  return fmath::exp(log_g);
}

// out [Hv * Dv] of one token.
void delta_token(float* out, SequenceState& state, const DeltaNetArgs& args, int64_t row) {
  const int64_t key_dim = args.key_heads * args.key_head_dim;
  std::vector<float> c(args.qkv.cols);  // q [Hk * Dk], k [Hk * Dk], v [Hv * Dv]
  convolve(c.data(), state.conv_rows(args.layer), args.qkv.row(row), args.conv);
  normalize_heads(c.data(), c.data() + key_dim, args);
  for (int64_t head = 0; head < args.value_heads; ++head) {
    const int64_t key_head = head / (args.value_heads / args.key_heads);
    const float* q = c.data() + key_head * args.key_head_dim;
    const float* v = c.data() + 2 * key_dim + head * args.value_head_dim;
    const float g = decay(args.a.row(row)[head], args.a_log.f32()[head], args.dt_bias.f32()[head]);
    const float beta = fmath::sigmoid(args.b.row(row)[head]);
    float* o = out + head * args.value_head_dim;
    delta_rule(o, state.s(args.layer, head), {q, q + key_dim, v, g, beta}, args.key_head_dim, args.value_head_dim);
    gated_rms_norm(o, args.z.row(row) + head * args.value_head_dim, args);
  }
}

void check_spec(const StateSpec& spec, const DeltaNetArgs& args) {
  MOEBIUS_CHECK(args.layer >= 0 && args.layer < spec.delta_layers);
  MOEBIUS_CHECK(args.conv.rows == spec.conv_dim && args.conv.cols == spec.conv_kernel);
  MOEBIUS_CHECK(args.value_heads == spec.value_heads && args.key_head_dim == spec.key_head_dim);
  MOEBIUS_CHECK(args.value_head_dim == spec.value_head_dim);
}

}  // namespace

// out [T, Hv * Dv]
void ReferenceBackend::delta_net(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t value_dim = args.value_heads * args.value_head_dim;
  const int64_t conv_dim = 2 * args.key_heads * args.key_head_dim + value_dim;
  check_shape(out, out.rows, value_dim);
  check_shape(args.qkv, out.rows, conv_dim);
  check_shape(args.z, out.rows, value_dim);
  check_shape(args.b, out.rows, args.value_heads);
  check_shape(args.a, out.rows, args.value_heads);
  check_shape(args.a_log, 1, args.value_heads);
  check_shape(args.dt_bias, 1, args.value_heads);
  check_shape(args.norm, 1, args.value_head_dim);
  MOEBIUS_CHECK(args.conv.rows == conv_dim && args.conv.cols == args.conv_kernel);
  MOEBIUS_CHECK(args.value_heads % args.key_heads == 0);
  for (const SequenceRows& rows : sequences) {
    SequenceState& state = sequence(rows.state);
    check_spec(state.spec(), args);
    MOEBIUS_CHECK(rows.first_row >= 0 && rows.first_row + rows.rows <= out.rows);
    MOEBIUS_CHECK(rows.draft ? rows.rows <= state.spec().draft_rows : !state.has_draft());
    if (rows.draft) state.begin_draft(args.layer);
    for (int64_t i = 0; i < rows.rows; ++i) {
      delta_token(out.row(rows.first_row + i), state, args, rows.first_row + i);
      if (rows.draft) state.end_draft_row(args.layer);
    }
    traffic_.recurrent_state(state.recurrent_bytes());
  }
}

}  // namespace moebius::reference
