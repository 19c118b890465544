// GatedDeltaNet: the convolution over all rows of a sequence, then each key head with its value heads, token after
// token (N8). The rows come from the arguments of a step or, in a replay, from a log.
#include "backend/cpu/delta_net.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"

namespace moebius::internal::cpu {
namespace {

constexpr int64_t kConvChannels = 256;  // channels in one item of work

// Scratch for the rows of a sequence in one key head and its value heads. Here the rows are contiguous; in the
// convolved rows they are a whole row of channels apart.
struct HeadRows {
  float* q;      // [rows, Dk], normed
  float* k;      // [rows, Dk], normed
  float* kq;     // [rows] k . q
  float* decay;  // [rows] of the current value head
  float* beta;   // [rows] of the current value head

  static int64_t floats(int64_t rows, int64_t dk) { return rows * (2 * dk + 3); }
  HeadRows(float* scratch, int64_t rows, int64_t dk)
      : q(scratch), k(q + rows * dk), kq(k + rows * dk), decay(kq + rows), beta(decay + rows) {}
};

// The state of one value head during a step.
struct HeadState {
  const float* in;  // the state is read from here
  float* out;       // the new state is written here
  float* d;         // record of d (N8) for keep(); null when the rows are not drafts
};

}  // namespace

// What all sequences and heads of one call share. In a step the rows come from args; in a replay they come from logs.
struct CpuOperations::DeltaStep {
  const DeltaNetArgs& args;
  const StagedBatch& batch;
  const PackedConvolution& conv;
  Tensor out, z;                      // [T, Hv * Dv]
  Tensor convolved;                   // [T, conv_dim]
  const QuantizedStorage* quantized;  // receives the rows of out, quantized; or null
  enum class Source : uint8_t { kArgs, kLogs } source;

  [[nodiscard]] DeltaInputs inputs(const SequenceRows& sequence, const CpuMemory& memory) const {
    if (source == Source::kLogs) {
      return memory.log(sequence.log).rows(args.layer, sequence.log_row, sequence.rows);
    }
    return DeltaInputs{args.qkv, args.b, args.a}.slice(sequence.first_row, sequence.rows);
  }
};

namespace {

void norm_key_head(const Tensor& convolved, const DeltaShape& shape, const SequenceRows& sequence, int64_t key_head,
                   const HeadRows& rows, const KernelTable& kernels) {
  const int64_t dk = shape.key_head_dim;
  const float q_scale = 1.0f / __builtin_sqrtf(static_cast<float>(dk));
  for (int64_t i = 0; i < sequence.rows; ++i) {
    const float* q = row(convolved, sequence.first_row + i) + key_head * dk;
    kernels.l2_norm(rows.q + i * dk, q, dk, q_scale);
    kernels.l2_norm(rows.k + i * dk, q + shape.key_dim(), dk, 1.0f);
    rows.kq[i] = kernels.dot(rows.k + i * dk, rows.q + i * dk, dk);
  }
}

void compute_gates(const DeltaNetArgs& args, const DeltaInputs& in, int64_t head, const HeadRows& rows) {
  const float minus_rate = -fmath::exp(f32(args.a_log)[head]);
  const float dt_bias = f32(args.dt_bias)[head];
  for (int64_t i = 0; i < in.a.rows; ++i) {
    rows.decay[i] = fmath::exp(minus_rate * fmath::softplus(row(in.a, i)[head] + dt_bias));
    rows.beta[i] = fmath::sigmoid(row(in.b, i)[head]);
  }
}

}  // namespace

int64_t delta_net_floats(const DeltaShape& shape, int64_t rows) { return HeadRows::floats(rows, shape.key_head_dim); }

// Convolves all rows: step.convolved [T, conv_dim]. The states take the inputs in, or record them if they are drafts.
void CpuOperations::convolve(const DeltaStep& step) {
  const int64_t channels = step.conv.spec.channels;
  const int64_t kernel = step.conv.spec.kernel;
  const auto layer = static_cast<size_t>(step.args.layer);
  const int64_t chunks = div_up(channels, kConvChannels);
  workers_.for_each(step.batch.handle().sequences * chunks, [&](int64_t item, int) {
    const SequenceRows& sequence = step.batch.sequences()[static_cast<size_t>(item / chunks)];
    const SequenceState& s = memory_.state(sequence.state);
    const int64_t first = item % chunks * kConvChannels;
    const int64_t count = std::min(kConvChannels, channels - first);
    const float* in = f32(step.inputs(sequence, memory_).qkv);
    workers_.kernels.conv({.out = row(step.convolved, sequence.first_row),
                           .in = in,
                           .state = s.conv[layer].as<float>(),
                           .weight = step.conv.taps.as<float>(),
                           .channels = channels,
                           .rows = sequence.rows,
                           .first = first,
                           .count = count,
                           .kernel = static_cast<int32_t>(kernel)});
    if (!sequence.draft) {
      ConvHistory{s.conv[layer].as<float>(), kernel - 1, channels, first, count}.advance(in, sequence.rows);
      return;
    }
    float* record = s.drafts[layer].inputs.as<float>() + first;
    for (int64_t i = 0; i < sequence.rows; ++i) {
      std::memcpy(record + i * channels, in + i * channels + first, static_cast<size_t>(count) * 4);
    }
  });
}

// Runs the rows of one sequence through a key head and its value heads.
void CpuOperations::run_key_head(const DeltaStep& step, const SequenceRows& sequence, int64_t key_head, int thread) {
  const DeltaShape& shape = step.args.shape;
  const int64_t dk = shape.key_head_dim;
  const int64_t head_floats = dk * round_up(shape.value_head_dim, kLanes);
  const auto layer = static_cast<size_t>(step.args.layer);
  const HeadRows rows(thread_scratch(thread), sequence.rows, dk);
  norm_key_head(step.convolved, shape, sequence, key_head, rows, workers_.kernels);
  SequenceState& s = memory_.state(sequence.state);
  DraftedLayer* draft = sequence.draft ? &s.drafts[layer] : nullptr;
  if (draft != nullptr) {
    std::copy_n(rows.k, sequence.rows * dk, draft->k.as<float>() + key_head * sequence.rows * dk);
  }
  const DeltaInputs in = step.inputs(sequence, memory_);
  const int64_t heads_a_key = shape.value_heads / shape.key_heads;
  for (int64_t head = key_head * heads_a_key; head < (key_head + 1) * heads_a_key; ++head) {
    float* current = s.recurrent[layer].as<float>() + head * head_floats;
    HeadState state = {current, current, nullptr};
    compute_gates(step.args, in, head, rows);
    if (draft != nullptr) {
      state.out = draft->recurrent.as<float>() + head * head_floats;
      state.d = draft->d.as<float>() + head * sequence.rows * (head_floats / dk);
      std::copy_n(rows.decay, sequence.rows, draft->decay.as<float>() + head * sequence.rows);
    }
    const int64_t column = head * shape.value_head_dim;
    float* out = row(step.out, sequence.first_row) + column;
    workers_.kernels.delta_rule({.out = out,
                                 .state = state.in,
                                 .next_state = state.out,
                                 .q = rows.q,
                                 .k = rows.k,
                                 .v = row(step.convolved, sequence.first_row) + 2 * shape.key_dim() + column,
                                 .z = row(step.z, sequence.first_row) + column,
                                 .norm = f32(step.args.norm),
                                 .kq = rows.kq,
                                 .decay = rows.decay,
                                 .beta = rows.beta,
                                 .d = state.d,
                                 .v_stride = step.convolved.cols,
                                 .out_stride = step.out.cols,
                                 .rows = static_cast<int32_t>(sequence.rows),
                                 .dk = static_cast<int32_t>(dk),
                                 .dv = static_cast<int32_t>(shape.value_head_dim),
                                 .eps = step.args.eps,
                                 .sigmoid_gate = step.args.sigmoid_gate});
    for (int64_t i = 0; step.quantized != nullptr && i < sequence.rows; ++i) {
      workers_.kernels.quantize_row(step.quantized->out(sequence.first_row + i, column), out + i * step.out.cols,
                                    shape.value_head_dim);
    }
  }
}

void CpuOperations::run_delta_net(const DeltaStep& step) {
  const DeltaShape& shape = step.args.shape;
  convolve(step);
  workers_.for_each(step.batch.handle().sequences * shape.key_heads, [&](int64_t item, int thread) {
    const SequenceRows& sequence = step.batch.sequences()[static_cast<size_t>(item / shape.key_heads)];
    run_key_head(step, sequence, item % shape.key_heads, thread);
  });
  const int64_t floats = shape.value_dim() * shape.key_head_dim + (shape.conv_kernel - 1) * shape.conv_dim();
  traffic_.state_bytes += step.batch.handle().sequences * 2 * 4 * floats;
}

// Checks the arguments. Also marks drafts: from here on, their records belong to this step.
void CpuOperations::check_delta_net(const DeltaStep& step) {
  const DeltaShape& shape = step.args.shape;
  const auto layer = static_cast<size_t>(step.args.layer);
  MOEBIUS_CHECK(shape.value_heads % shape.key_heads == 0);
  MOEBIUS_CHECK(step.conv.spec.channels == shape.conv_dim() && step.conv.spec.kernel == shape.conv_kernel);
  for (const SequenceRows& sequence : step.batch.sequences()) {
    SequenceState& s = memory_.state(sequence.state);
    MOEBIUS_CHECK(step.args.layer >= 0 && step.args.layer < s.spec.delta_layers);
    MOEBIUS_CHECK(s.spec.s_elements() == shape.value_dim() * shape.key_head_dim);
    MOEBIUS_CHECK(s.drafts.empty() || s.drafts[layer].rows == 0);  // fails if the caller forgot keep()
    if (!sequence.draft) continue;
    MOEBIUS_CHECK(sequence.rows <= s.spec.draft_rows);
    s.drafts[layer].rows = sequence.rows;
  }
}

void CpuOperations::delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) {
  const StagedBatch& staged = batch_.at(batch);
  MOEBIUS_CHECK(out.x.rows == batch.rows && out.x.cols == args.shape.value_dim() && args.qkv.rows == batch.rows);
  const DeltaStep step = {.args = args,
                          .batch = staged,
                          .conv = weights_.convolution(args.conv),
                          .out = out.x,
                          .z = args.z,
                          .convolved = scratch(batch.rows, args.shape.conv_dim()),
                          .quantized = place_beside(out, args.shape.value_head_dim),
                          .source = DeltaStep::Source::kArgs};
  check_delta_net(step);
  for (const SequenceRows& sequence : staged.sequences()) {
    if (sequence.log.id < 0) continue;
    const DeltaInputs from = step.inputs(sequence, memory_);
    const DeltaInputs to = memory_.log(sequence.log).rows(args.layer, sequence.log_row, sequence.rows);
    memory_.copy(to.qkv, from.qkv);
    memory_.copy(to.b, from.b);
    memory_.copy(to.a, from.a);
  }
  run_delta_net(step);
}

// A replay throws the output away. z only gates the output, so z may have any values.
void CpuOperations::replay_delta_net(const DeltaNetArgs& args, Batch batch) {
  const DeltaShape& shape = args.shape;
  const Tensor both = scratch(batch.rows, shape.conv_dim() + shape.value_dim());
  const Tensor unused = f32_tensor(f32(both) + batch.rows * shape.conv_dim(), batch.rows, shape.value_dim());
  const DeltaStep step = {.args = args,
                          .batch = batch_.at(batch),
                          .conv = weights_.convolution(args.conv),
                          .out = unused,
                          .z = unused,
                          .convolved = both.shaped(batch.rows, shape.conv_dim()),
                          .quantized = nullptr,
                          .source = DeltaStep::Source::kLogs};
  check_delta_net(step);
  run_delta_net(step);
}

}  // namespace moebius::internal::cpu
