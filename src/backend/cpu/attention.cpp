// Full attention: norm, rotate and append every row, then attend row by row and kv head by kv head (N7).
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"

namespace moebius::cpu {
namespace {

constexpr int64_t kKeyBlock = 256;
constexpr int64_t kMostGroup = 64;  // query heads that share a kv head

void append(Buffer& cache, DType dtype, int64_t position, const float* row, int64_t n) {
  if (dtype == DType::kF32) {
    std::memcpy(cache.as<float>() + position * n, row, static_cast<size_t>(n) * 4);
    return;
  }
  uint16_t* out = cache.as<uint16_t>() + position * n;
  for (int64_t i = 0; i < n; ++i) out[i] = f32_to_f16(row[i]);
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
  for (int64_t h = 0; h < args.kv_heads; ++h) {
    float* k = args.k.row(row) + h * head_dim;
    kernels_->rms_norm(k, k, args.k_norm.f32(), head_dim, args.eps);
    kernels_->rotate(k, angles, args.rotary_dim);
  }
  SequenceState& s = state(handle);
  const auto layer = static_cast<size_t>(args.layer);
  append(s.keys[layer], s.spec.kv_dtype, position, args.k.row(row), args.k.cols);
  append(s.values[layer], s.spec.kv_dtype, position, args.v.row(row), args.v.cols);
}

// The keys and values of one kv head, as the query heads of one row that share it see them.
AttendArgs CpuBackend::keys_of(const AttentionArgs& args, State handle, int64_t kv_head, int64_t positions) {
  const SequenceState& s = state(handle);
  const auto layer = static_cast<size_t>(args.layer);
  const int64_t offset = kv_head * args.head_dim * size_bytes(s.spec.kv_dtype);
  return {.k = s.keys[layer].data() + offset,
          .v = s.values[layer].data() + offset,
          .stride = args.kv_heads * args.head_dim,
          .positions = positions,
          .group = static_cast<int32_t>(args.heads / args.kv_heads),
          .head_dim = static_cast<int32_t>(args.head_dim),
          .scale = args.scale,
          .kv_element = s.spec.kv_dtype == DType::kF16 ? Element::kF16 : Element::kF32};
}

void CpuBackend::attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t rows = out.rows;
  const int64_t head_dim = args.head_dim;
  const int64_t group = args.heads / args.kv_heads;
  MOEBIUS_CHECK(group <= kMostGroup && args.heads % args.kv_heads == 0);
  MOEBIUS_CHECK(args.q.cols == args.heads * q_stride(args) && args.k.cols == args.kv_heads * head_dim);
  for (const SequenceRows& sequence : sequences) {
    const StateSpec& spec = state(sequence.state).spec;
    MOEBIUS_CHECK(sequence.position + sequence.rows <= spec.context);
    traffic_.kv_bytes += (sequence.position + sequence.rows) * args.kv_heads * head_dim * 2 * size_bytes(spec.kv_dtype);
  }
  const Tensor queries = {scratch(rows * args.heads * head_dim), DType::kF32, rows, args.heads * head_dim};
  for_each(rows, [&](int64_t row, int) {
    const Place place = place_of(sequences, row);
    append_row(args, row, place.state, place.position, queries.row(row));
  });
  for_each(rows * args.kv_heads, [&](int64_t item, int thread) {
    const int64_t row = item / args.kv_heads;
    const int64_t first_head = item % args.kv_heads * group;
    const Place place = place_of(sequences, row);
    AttendArgs attend = keys_of(args, place.state, item % args.kv_heads, place.position + 1);
    attend.q = queries.row(row) + first_head * head_dim;
    attend.out = out.row(row) + first_head * head_dim;
    attend.scores = thread_scratch(thread, group * (kKeyBlock + head_dim));
    attend.partial = attend.scores + group * kKeyBlock;
    kernels_->attend(attend);
    for (int64_t h = 0; args.gated && h < group; ++h) {
      const float* gate = args.q.row(row) + (first_head + h) * q_stride(args) + head_dim;
      kernels_->gate_sigmoid(attend.out + h * head_dim, gate, head_dim);
    }
  });
}

}  // namespace moebius::cpu
