// GatedDeltaNet: convolution over all rows of a sequence, then each key head with its value heads, token after token
// (N8).
#include "backend/cpu/delta_net.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"

namespace moebius::cpu {
namespace {

constexpr int64_t kConvChannels = 256;  // of one item

// Everything that the heads of one call share.
struct HeadContext {
  const KernelTable& kernels;
  const DeltaNetArgs& args;
  Tensor convolved;  // [T, conv_dim]
  Tensor out;        // [T, Hv * Dv]
};

// What a key head and its value heads need of the rows of a sequence, one row behind the other: in `convolved` they are
// a whole row of channels apart.
struct HeadRows {
  float* q;   // [rows, Dk], normed, like k
  float* k;   // [rows, Dk]
  float* kq;  // [rows]
  float* decay;
  float* beta;

  static int64_t floats(int64_t rows, int64_t dk) { return rows * (2 * dk + 3); }
  HeadRows(float* scratch, int64_t rows, int64_t dk)
      : q(scratch), k(q + rows * dk), kq(k + rows * dk), decay(kq + rows), beta(decay + rows) {}
};

void norm_key_head(const HeadContext& context, const SequenceRows& sequence, int64_t key_head, const HeadRows& rows) {
  const int64_t dk = context.args.key_head_dim;
  const int64_t key_dim = context.args.key_heads * dk;
  const float q_scale = 1.0f / __builtin_sqrtf(static_cast<float>(dk));
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const float* q = context.convolved.row(sequence.first_row + i) + key_head * dk;
    context.kernels.l2_norm(rows.q + i * dk, q, dk, q_scale);
    context.kernels.l2_norm(rows.k + i * dk, q + key_dim, dk, 1.0f);
    rows.kq[i] = context.kernels.dot(rows.k + i * dk, rows.q + i * dk, dk);
  }
}

void compute_gates(const DeltaNetArgs& args, const SequenceRows& sequence, int64_t head, const HeadRows& rows) {
  const float minus_rate = -fmath::exp(args.a_log.f32()[head]);
  const float dt_bias = args.dt_bias.f32()[head];
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const int64_t row = sequence.first_row + i;
    rows.decay[i] = fmath::exp(minus_rate * fmath::softplus(args.a.row(row)[head] + dt_bias));
    rows.beta[i] = fmath::sigmoid(args.b.row(row)[head]);
  }
}

// Where the state of one head is read, where it is written, and where what replay needs is recorded.
struct HeadState {
  const float* in;
  float* out;
  float* d;  // null when the rows are no draft
};

// Rows of one sequence through value head `head`.
void run_value_head(const HeadContext& context, const SequenceRows& sequence, const HeadState& state, int64_t head,
                    const HeadRows& rows) {
  const DeltaNetArgs& args = context.args;
  const int64_t first_value = 2 * args.key_heads * args.key_head_dim;
  const int64_t column = head * args.value_head_dim;
  compute_gates(args, sequence, head, rows);
  context.kernels.delta_rule({.out = context.out.row(sequence.first_row) + column,
                              .state = state.in,
                              .next_state = state.out,
                              .q = rows.q,
                              .k = rows.k,
                              .v = context.convolved.row(sequence.first_row) + first_value + column,
                              .z = args.z.row(sequence.first_row) + column,
                              .norm = args.norm.f32(),
                              .kq = rows.kq,
                              .decay = rows.decay,
                              .beta = rows.beta,
                              .d = state.d,
                              .v_stride = context.convolved.cols,
                              .out_stride = context.out.cols,
                              .rows = static_cast<int32_t>(sequence.rows),
                              .dk = static_cast<int32_t>(args.key_head_dim),
                              .dv = static_cast<int32_t>(args.value_head_dim),
                              .eps = args.eps,
                              .sigmoid_gate = args.sigmoid_gate});
}

}  // namespace

const float* CpuBackend::taps_first(Tensor conv) {
  Buffer& transposed = taps_first_[conv.data];
  if (transposed.data() != nullptr) return transposed.as<float>();
  transposed = Buffer(conv.bytes());
  for (int64_t channel = 0; channel < conv.rows; ++channel) {
    for (int64_t tap = 0; tap < conv.cols; ++tap)
      transposed.as<float>()[tap * conv.rows + channel] = conv.row(channel)[tap];
  }
  return transposed.as<float>();
}

// out [T, conv_dim]; the states take the inputs in, or record them when they are a draft.
void CpuBackend::convolve(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t channels = args.qkv.cols;
  const auto layer = static_cast<size_t>(args.layer);
  const float* taps = taps_first(args.conv);
  const int64_t chunks = div_up(channels, kConvChannels);
  for_each(static_cast<int64_t>(sequences.size()) * chunks, [&](int64_t item, int) {
    const SequenceRows& sequence = sequences[static_cast<size_t>(item / chunks)];
    SequenceState& s = state(sequence.state);
    const int64_t first = item % chunks * kConvChannels;
    const int64_t count = std::min(kConvChannels, channels - first);
    const float* in = args.qkv.row(sequence.first_row);
    kernels_->conv({.out = out.row(sequence.first_row),
                    .in = in,
                    .state = s.conv[layer].as<float>(),
                    .weight = taps,
                    .channels = channels,
                    .rows = sequence.rows,
                    .first = first,
                    .count = count,
                    .kernel = static_cast<int32_t>(args.conv_kernel)});
    if (!sequence.draft) {
      ConvHistory{s.conv[layer].as<float>(), args.conv_kernel - 1, channels, first, count}.advance(in, sequence.rows);
      return;
    }
    float* record = s.drafts[layer].inputs.as<float>() + first;
    for (int64_t row = 0; row < sequence.rows; ++row) {
      std::memcpy(record + row * channels, in + row * channels + first, static_cast<size_t>(count) * 4);
    }
  });
}

void CpuBackend::delta_net(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t channels = args.qkv.cols;
  const auto layer = static_cast<size_t>(args.layer);
  const int64_t dk = args.key_head_dim;
  const int64_t padded = round_up(args.value_head_dim, kLanes);
  MOEBIUS_CHECK(args.value_heads % args.key_heads == 0 && args.conv.cols == args.conv_kernel);
  MOEBIUS_CHECK(channels == 2 * args.key_heads * dk + args.value_heads * args.value_head_dim);
  for (const SequenceRows& sequence : sequences) {
    SequenceState& s = state(sequence.state);
    MOEBIUS_CHECK(s.drafts.empty() || s.drafts[layer].rows == 0);  // or keep_rows() was forgotten
    if (!sequence.draft) continue;
    MOEBIUS_CHECK(sequence.rows <= s.spec.draft_rows);
    s.drafts[layer].rows = sequence.rows;
  }
  const Tensor convolved = {scratch(out.rows * channels), DType::kF32, out.rows, channels};
  convolve(convolved, args, sequences);

  const HeadContext context = {*kernels_, args, convolved, out};
  const int64_t heads_a_key = args.value_heads / args.key_heads;
  const auto n = static_cast<int64_t>(sequences.size());
  for_each(n * args.key_heads, [&](int64_t item, int thread) {
    const SequenceRows& sequence = sequences[static_cast<size_t>(item / args.key_heads)];
    const int64_t key_head = item % args.key_heads;
    const HeadRows rows(thread_scratch(thread, HeadRows::floats(sequence.rows, dk)), sequence.rows, dk);
    norm_key_head(context, sequence, key_head, rows);
    SequenceState& s = state(sequence.state);
    DraftedLayer* draft = sequence.draft ? &s.drafts[layer] : nullptr;
    if (draft != nullptr) {
      std::copy_n(rows.k, sequence.rows * dk, draft->k.as<float>() + key_head * sequence.rows * dk);
    }
    for (int64_t head = key_head * heads_a_key; head < (key_head + 1) * heads_a_key; ++head) {
      float* current = s.recurrent[layer].as<float>() + head * dk * padded;
      HeadState head_state = {current, current, nullptr};
      if (draft != nullptr) {
        head_state.out = draft->recurrent.as<float>() + head * dk * padded;
        head_state.d = draft->d.as<float>() + head * sequence.rows * padded;
      }
      run_value_head(context, sequence, head_state, head, rows);
      if (draft != nullptr) {
        std::copy_n(rows.decay, sequence.rows, draft->decay.as<float>() + head * sequence.rows);
      }
    }
  });
  traffic_.state_bytes += n * 2 * 4 * (args.value_heads * dk * args.value_head_dim + (args.conv_kernel - 1) * channels);
}

}  // namespace moebius::cpu
