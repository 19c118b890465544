// Full attention: norm, rotate and append every row, then attend, a few rows and a kv head at a time (N7).
#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"

namespace moebius::cpu {
namespace {

static_assert(kPagePositions == kKeyBlock);

// One head's key or value of a row to `block`, the rows of that head in a page.
void append(uint8_t* block, const StateSpec& spec, int64_t position, const float* values) {
  const int64_t at = position % kPagePositions * spec.head_dim;
  if (spec.kv_dtype == DType::kF32) {
    std::memcpy(reinterpret_cast<float*>(block) + at, values, static_cast<size_t>(spec.head_dim) * 4);
    return;
  }
  uint16_t* out = reinterpret_cast<uint16_t*>(block) + at;
  for (int64_t i = 0; i < spec.head_dim; ++i) out[i] = f32_to_f16(values[i]);
}

// One row of the batch: which sequence it continues, and where.
struct Place {
  State state;
  int64_t position;
};

Place place_of(std::span<const SequenceRows> sequences, int64_t row) {
  size_t i = 0;
  while (row >= sequences[i].first_row + sequences[i].rows) ++i;
  return {sequences[i].state, sequences[i].position + row - sequences[i].first_row};
}

int64_t q_stride(const AttentionArgs& args) { return args.gated ? 2 * args.head_dim : args.head_dim; }

}  // namespace

// Queries of a row, normed and rotated, to `queries`; its key, in place, and its value to the cache.
void CpuBackend::append_row(const AttentionArgs& args, int64_t row, State handle, int64_t position, float* queries) {
  const float* angles = args.rope.row(position);
  const int64_t head_dim = args.head_dim;
  for (int64_t h = 0; h < args.heads; ++h) {
    float* q = queries + h * head_dim;
    kernels_->rms_norm(q, args.q.row(row) + h * q_stride(args), args.q_norm.f32(), head_dim, args.eps);
    kernels_->rotate(q, angles, args.rotary_dim);
  }
  const SequenceState& s = state(handle);
  uint8_t* page = s.pages[static_cast<size_t>(position / kPagePositions)];
  for (int64_t h = 0; h < args.kv_heads; ++h) {
    float* k = args.k.row(row) + h * head_dim;
    kernels_->rms_norm(k, k, args.k_norm.f32(), head_dim, args.eps);
    kernels_->rotate(k, angles, args.rotary_dim);
    append(page + key_block(s.spec, args.layer, h), s.spec, position, k);
    append(page + value_block(s.spec, args.layer, h), s.spec, position, args.v.row(row) + h * head_dim);
  }
}

void CpuBackend::list_attention_items(const AttentionArgs& args, int64_t all_rows,
                                      std::span<const SequenceRows> sequences) {
  const int64_t together = std::clamp<int64_t>(all_rows * args.kv_heads / pool_.size(), 1, kMostAttending);
  attention_items_.clear();
  for (const SequenceRows& sequence : sequences) {
    for (int64_t first = 0; first < sequence.rows; first += together) {
      const int64_t rows = std::min(together, sequence.rows - first);
      for (int64_t head = 0; head < args.kv_heads; ++head) {
        attention_items_.push_back({sequence.state, sequence.first_row + first, rows, sequence.position + first, head});
      }
    }
  }
}

void CpuBackend::attend(Tensor out, const AttentionArgs& args, Tensor queries, const AttentionItem& item, int thread) {
  const SequenceState& s = state(item.state);
  const int64_t head_dim = args.head_dim;
  const int64_t group = args.heads / args.kv_heads;
  const int64_t first_head = item.kv_head * group;
  float* scores = thread_scratch(thread, group * (kKeyBlock + head_dim));
  kernels_->attend({.out = out.row(item.first_row) + first_head * head_dim,
                    .q = queries.row(item.first_row) + first_head * head_dim,
                    .pages = s.pages.data(),
                    .keys_at = key_block(s.spec, args.layer, item.kv_head),
                    .values_at = value_block(s.spec, args.layer, item.kv_head),
                    .scores = scores,
                    .partial = scores + group * kKeyBlock,
                    .rows = item.rows,
                    .row_stride = args.heads * head_dim,
                    .positions = item.position + 1,
                    .group = static_cast<int32_t>(group),
                    .head_dim = static_cast<int32_t>(head_dim),
                    .scale = args.scale,
                    .kv_element = s.spec.kv_dtype == DType::kF16 ? Element::kF16 : Element::kF32});
  if (!args.gated) return;
  for (int64_t row = item.first_row; row < item.first_row + item.rows; ++row) {
    for (int64_t h = first_head; h < first_head + group; ++h) {
      kernels_->gate_sigmoid(out.row(row) + h * head_dim, args.q.row(row) + (2 * h + 1) * head_dim, head_dim);
    }
  }
}

void CpuBackend::attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t rows = out.rows;
  const int64_t head_dim = args.head_dim;
  MOEBIUS_CHECK(args.heads % args.kv_heads == 0 && args.heads / args.kv_heads <= kMostGroup);
  MOEBIUS_CHECK(args.q.cols == args.heads * q_stride(args) && args.k.cols == args.kv_heads * head_dim);
  MOEBIUS_CHECK(out.cols == args.heads * head_dim);
  for (const SequenceRows& sequence : sequences) {
    const SequenceState& s = state(sequence.state);
    const StateSpec& spec = s.spec;
    MOEBIUS_CHECK(sequence.position + sequence.rows <= s.positions() && args.layer < spec.attention_layers);
    MOEBIUS_CHECK(spec.kv_heads == args.kv_heads && spec.head_dim == head_dim);
    traffic_.kv_bytes += (sequence.position + sequence.rows) * args.kv_heads * head_dim * 2 * size_bytes(spec.kv_dtype);
  }
  const Tensor queries = {scratch(rows * args.heads * head_dim), DType::kF32, rows, args.heads * head_dim};
  for_each(rows, [&](int64_t row, int) {
    const Place place = place_of(sequences, row);
    append_row(args, row, place.state, place.position, queries.row(row));
  });
  list_attention_items(args, rows, sequences);
  for_each(static_cast<int64_t>(attention_items_.size()), [&](int64_t item, int thread) {
    attend(out, args, queries, attention_items_[static_cast<size_t>(item)], thread);
  });
}

}  // namespace moebius::cpu
