// Full attention (N7). Every row is normed, rotated and appended to the cache. Then the rows attend, a few rows and one
// kv head at a time.
#include <algorithm>
#include <cstring>

#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::cpu {
namespace {

static_assert(kPagePositions == kKeyBlock);

// Appends the key or value of one head and one row to `block`, the rows of that head in a page.
void append(uint8_t* block, const StateSpec& spec, int64_t position, const float* values) {
  const int64_t at = position % kPagePositions * spec.head_dim;
  if (spec.kv_dtype == DType::kF32) {
    std::memcpy(reinterpret_cast<float*>(block) + at, values, static_cast<size_t>(spec.head_dim) * 4);
    return;
  }
  uint16_t* out = reinterpret_cast<uint16_t*>(block) + at;
  for (int64_t i = 0; i < spec.head_dim; ++i) out[i] = f32_to_f16(values[i]);
}

const SequenceRows& sequence_of(std::span<const SequenceRows> sequences, int64_t row) {
  size_t i = 0;
  while (row >= sequences[i].first_row + sequences[i].rows) ++i;
  return sequences[i];
}

// Elements from the query of one head to that of the next in args.q.
int64_t q_stride(const AttentionShape& shape) { return shape.gated ? 2 * shape.head_dim : shape.head_dim; }

}  // namespace

// A thread's scratch holds one normed and rotated key, or scores and partial results of the heads that share a kv head.
int64_t attention_floats(const AttentionShape& shape) {
  if (shape.kv_heads == 0) return 0;
  return std::max(shape.head_dim, shape.heads / shape.kv_heads * (kKeyBlock + shape.head_dim));
}

// Norms and rotates the queries of a row into `queries`, norms and rotates its keys into the cache, and copies its
// values to the cache.
void CpuOperations::append_row(const AttentionArgs& args, int64_t t, const SequenceRows& sequence, float* queries,
                               int thread) {
  const KernelTable& kernels = workers_.kernels;
  const AttentionShape& shape = args.shape;
  const int64_t head_dim = shape.head_dim;
  const int64_t position = sequence.position + t - sequence.first_row;
  const float* angles = row(args.rope, position);
  for (int64_t h = 0; h < shape.heads; ++h) {
    float* q = queries + h * head_dim;
    kernels.rms_norm(q, row(args.q, t) + h * q_stride(shape), f32(args.q_norm), head_dim, args.eps);
    kernels.rotate(q, angles, shape.rotary_dim);
  }
  const SequenceState& s = memory_.state(sequence.state);
  uint8_t* page = s.pages[static_cast<size_t>(position / kPagePositions)];
  float* k = thread_scratch(thread);
  for (int64_t h = 0; h < shape.kv_heads; ++h) {
    kernels.rms_norm(k, row(args.k, t) + h * head_dim, f32(args.k_norm), head_dim, args.eps);
    kernels.rotate(k, angles, shape.rotary_dim);
    append(page + key_block(s.spec, args.layer, h), s.spec, position, k);
    append(page + value_block(s.spec, args.layer, h), s.spec, position, row(args.v, t) + h * head_dim);
  }
}

void CpuOperations::list_attention_items(const AttentionShape& shape, const StagedBatch& batch) {
  const int64_t share = batch.handle().rows * shape.kv_heads / workers_.pool.size();
  const int64_t together = std::clamp<int64_t>(share, 1, kMaxAttending);
  attention_items_.clear();
  for (const SequenceRows& sequence : batch.sequences()) {
    for (int64_t first = 0; first < sequence.rows; first += together) {
      const int64_t rows = std::min(together, sequence.rows - first);
      for (int64_t head = 0; head < shape.kv_heads; ++head) {
        attention_items_.push_back({sequence.state, sequence.first_row + first, rows, sequence.position + first, head});
      }
    }
  }
}

void CpuOperations::attend(const Tensor& out, const AttentionArgs& args, const Tensor& queries,
                           const AttentionItem& item, int thread) {
  const SequenceState& s = memory_.state(item.state);
  const AttentionShape& shape = args.shape;
  const int64_t head_dim = shape.head_dim;
  const int64_t group = shape.heads / shape.kv_heads;
  const int64_t first_head = item.kv_head * group;
  float* scores = thread_scratch(thread);
  workers_.kernels.attend({.out = row(out, item.first_row) + first_head * head_dim,
                           .q = row(queries, item.first_row) + first_head * head_dim,
                           .pages = s.pages.data(),
                           .keys_at = key_block(s.spec, args.layer, item.kv_head),
                           .values_at = value_block(s.spec, args.layer, item.kv_head),
                           .scores = scores,
                           .partial = scores + group * kKeyBlock,
                           .rows = item.rows,
                           .row_stride = shape.out_cols(),
                           .positions = item.position + 1,
                           .group = static_cast<int32_t>(group),
                           .head_dim = static_cast<int32_t>(head_dim),
                           .scale = args.scale,
                           .kv_element = s.spec.kv_dtype == DType::kF16 ? Element::kF16 : Element::kF32});
  if (!shape.gated) return;
  for (int64_t t = item.first_row; t < item.first_row + item.rows; ++t) {
    for (int64_t h = first_head; h < first_head + group; ++h) {
      const float* gate = row(args.q, t) + h * q_stride(shape) + head_dim;
      workers_.kernels.gate_sigmoid(row(out, t) + h * head_dim, gate, head_dim);
    }
  }
}

void CpuOperations::check_attention(const Tensor& out, const AttentionArgs& args, const StagedBatch& batch) const {
  const AttentionShape& shape = args.shape;
  MOEBIUS_CHECK(shape.heads % shape.kv_heads == 0 && shape.heads / shape.kv_heads <= kMaxGroup);
  MOEBIUS_CHECK(args.q.cols == shape.query_cols() && args.k.cols == shape.kv_cols() && out.cols == shape.out_cols());
  MOEBIUS_CHECK(out.rows == batch.handle().rows && args.q.rows == out.rows && args.k.rows == out.rows);
  for (const SequenceRows& sequence : batch.sequences()) {
    const SequenceState& s = memory_.state(sequence.state);
    const int64_t end = sequence.position + sequence.rows;
    MOEBIUS_CHECK(end <= s.positions() && end <= args.rope.rows && args.layer < s.spec.attention_layers);
    MOEBIUS_CHECK(s.spec.kv_heads == shape.kv_heads && s.spec.head_dim == shape.head_dim);
  }
}

void CpuOperations::attention(const MixedRows& out, const AttentionArgs& args, Batch batch) {
  const AttentionShape& shape = args.shape;
  const StagedBatch& staged = batch_.at(batch);
  check_attention(out.x, args, staged);
  for (const SequenceRows& sequence : staged.sequences()) {
    const int64_t element_bytes = size_bytes(memory_.state(sequence.state).spec.kv_dtype);
    traffic_.kv_bytes += (sequence.position + sequence.rows) * shape.kv_cols() * 2 * element_bytes;
  }
  const Tensor queries = scratch(batch.rows, shape.out_cols());
  workers_.for_each(batch.rows, [&](int64_t t, int thread) {
    append_row(args, t, sequence_of(staged.sequences(), t), row(queries, t), thread);
  });
  list_attention_items(shape, staged);
  const int64_t group_cols = shape.heads / shape.kv_heads * shape.head_dim;
  const QuantizedStorage* quantized = place_beside(out, group_cols);
  workers_.for_each(std::ssize(attention_items_), [&](int64_t i, int thread) {
    const AttentionItem& item = attention_items_[static_cast<size_t>(i)];
    attend(out.x, args, queries, item, thread);
    if (quantized == nullptr) return;
    const int64_t first_col = item.kv_head * group_cols;
    for (int64_t t = item.first_row; t < item.first_row + item.rows; ++t) {
      workers_.kernels.quantize_row(quantized->out(t, first_col), row(out.x, t) + first_col, group_cols);
    }
  });
}

}  // namespace moebius::internal::cpu
