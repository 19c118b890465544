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

const SequenceRows& sequence_of(std::span<const SequenceRows> sequences, int64_t row) {
  size_t i = 0;
  while (row >= sequences[i].first_row + sequences[i].rows) ++i;
  return sequences[i];
}

}  // namespace

void CpuBackend::attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) {
  const int64_t rows = out.rows;
  const int64_t head_dim = args.head_dim;
  const int64_t group = args.heads / args.kv_heads;
  const int64_t q_stride = args.gated ? 2 * head_dim : head_dim;
  MOEBIUS_CHECK(group <= kMostGroup && args.heads % args.kv_heads == 0);
  MOEBIUS_CHECK(args.q.cols == args.heads * q_stride && args.k.cols == args.kv_heads * head_dim);
  for (const SequenceRows& sequence : sequences) {
    MOEBIUS_CHECK(sequence.position + sequence.rows <= state(sequence.state).spec.context);
  }
  const Tensor queries = {scratch(rows * args.heads * head_dim), DType::kF32, rows, args.heads * head_dim};

  for_each(rows, [&](int64_t row, int) {
    const SequenceRows& sequence = sequence_of(sequences, row);
    SequenceState& s = state(sequence.state);
    const int64_t position = sequence.position + row - sequence.first_row;
    const float* angles = args.rope.row(position);
    for (int64_t h = 0; h < args.heads; ++h) {
      float* q = queries.row(row) + h * head_dim;
      kernels_->rms_norm(q, args.q.row(row) + h * q_stride, args.q_norm.f32(), head_dim, args.eps);
      kernels_->rotate(q, angles, args.rotary_dim);
    }
    for (int64_t h = 0; h < args.kv_heads; ++h) {  // in place: k is not needed any more
      float* k = args.k.row(row) + h * head_dim;
      kernels_->rms_norm(k, k, args.k_norm.f32(), head_dim, args.eps);
      kernels_->rotate(k, angles, args.rotary_dim);
    }
    const auto layer = static_cast<size_t>(args.layer);
    append(s.keys[layer], s.spec.kv_dtype, position, args.k.row(row), args.k.cols);
    append(s.values[layer], s.spec.kv_dtype, position, args.v.row(row), args.v.cols);
  });

  for_each(rows * args.kv_heads, [&](int64_t item, int thread) {
    const int64_t row = item / args.kv_heads;
    const int64_t kv_head = item % args.kv_heads;
    const SequenceRows& sequence = sequence_of(sequences, row);
    const SequenceState& s = state(sequence.state);
    const int64_t element = size_bytes(s.spec.kv_dtype);
    const auto layer = static_cast<size_t>(args.layer);
    float* scores = thread_scratch(thread, group * (kKeyBlock + head_dim));
    float* head_out = out.row(row) + kv_head * group * head_dim;
    kernels_->attend({.out = head_out,
                      .q = queries.row(row) + kv_head * group * head_dim,
                      .k = s.keys[layer].data() + kv_head * head_dim * element,
                      .v = s.values[layer].data() + kv_head * head_dim * element,
                      .scores = scores,
                      .partial = scores + group * kKeyBlock,
                      .stride = args.kv_heads * head_dim,
                      .positions = sequence.position + row - sequence.first_row + 1,
                      .group = static_cast<int32_t>(group),
                      .head_dim = static_cast<int32_t>(head_dim),
                      .scale = args.scale,
                      .kv_element = s.spec.kv_dtype == DType::kF16 ? Element::kF16 : Element::kF32});
    if (!args.gated) return;
    for (int64_t h = 0; h < group; ++h) {
      const float* gate = args.q.row(row) + (kv_head * group + h) * q_stride + head_dim;
      kernels_->gate_sigmoid(head_out + h * head_dim, gate, head_dim);
    }
  });
  for (const SequenceRows& sequence : sequences) {
    const int64_t positions = sequence.position + sequence.rows;
    traffic_.kv_bytes += positions * args.kv_heads * head_dim * 2 * size_bytes(state(sequence.state).spec.kv_dtype);
  }
}

}  // namespace moebius::cpu
