// Reservation, scratch, and passes over rows: embedding, norm, gather, concat.
#include <algorithm>
#include <cstring>

#include "backend/cpu/operations.h"
#include "backend/cpu/pack.h"
#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::cpu {

CpuOperations::CpuOperations(Workers& workers, CpuMemory& memory, CpuWeights& weights)
    : workers_(workers),
      memory_(memory),
      weights_(weights),
      input_(workers, memory),
      expert_passes_(workers.kernels, workers.pool) {
  scratch_.threads.resize(static_cast<size_t>(workers.pool.size()));
}

void CpuOperations::reserve(const StepLimits& limits) {
  MOEBIUS_CHECK(limits.rows >= 1);
  limits_ = limits;
  const WidestWeights& widest = weights_.widest();
  batch_.reserve(limits);
  input_.reserve(limits.rows, widest.inputs);
  if (widest.experts > 0) {
    const int64_t slots = std::max<int64_t>(limits.router.slots(), 1);
    expert_passes_.reserve({.rows = limits.rows,
                            .slots = slots,
                            .experts = widest.experts,
                            .width = widest.expert_width,
                            .dim = widest.expert_dim});
  }
  const int64_t row_floats = std::max(
      {limits.attention.out_cols(), limits.delta.conv_dim() + limits.delta.value_dim(), limits.router.experts + 1});
  scratch_.shared = Buffer(limits.rows * row_floats * 4);
  const int64_t thread_floats =
      std::max(attention_floats(limits.attention), delta_net_floats(limits.delta, limits.rows));
  for (Buffer& buffer : scratch_.threads) buffer = Buffer(thread_floats * 4);
  attention_items_.reserve(static_cast<size_t>(limits.rows * std::max<int64_t>(limits.attention.kv_heads, 1)));
}

Tensor CpuOperations::scratch(int64_t rows, int64_t cols) const {
  MOEBIUS_CHECK(rows * cols * 4 <= scratch_.shared.bytes());
  return f32_tensor(scratch_.shared.as<float>(), rows, cols);
}

float* CpuOperations::thread_scratch(int thread) const {
  return scratch_.threads[static_cast<size_t>(thread)].as<float>();
}

Traffic CpuOperations::traffic() const {
  Traffic traffic = traffic_;
  traffic.barriers = workers_.pool.waits();
  return traffic;
}

const QuantizedStorage* CpuOperations::place_beside(const MixedRows& out, int64_t head_cols) const {
  HandedRows* handed = memory_.handed(out.quantized);
  if (handed == nullptr) return nullptr;
  MOEBIUS_CHECK(out.x.rows <= handed->max_rows && out.x.cols <= handed->max_cols);
  const bool fits = head_cols % kQuantBlock == 0;
  handed->of = fits ? f32(out.x) : nullptr;
  return fits ? &handed->storage : nullptr;
}

void CpuOperations::embed(Tensor out, Batch batch, Matrix table) {
  const MatrixView& w = weights_.matrix(table).view;
  const std::span<const int32_t> tokens = batch_.at(batch).tokens();
  MOEBIUS_CHECK(out.cols == w.cols && out.rows == std::ssize(tokens));
  MOEBIUS_CHECK(std::ranges::all_of(tokens, [&](int32_t id) { return id < w.rows; }));
  workers_.for_each(out.rows, [&](int64_t t, int) { unpack_row(row(out, t), w, tokens[static_cast<size_t>(t)]); });
  traffic_.weight_bytes += out.rows * w.block_bytes / kLanes;
}

void CpuOperations::rms_norm(Tensor out, Tensor x, const Norm& norm) {
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && norm.weight.cols == x.cols);
  workers_.for_each(x.rows, [&](int64_t t, int) {
    workers_.kernels.rms_norm(row(out, t), row(x, t), f32(norm.weight), x.cols, norm.eps);
  });
}

void CpuOperations::gather_logit_rows(Tensor out, Tensor x, Batch batch) {
  const std::span<const int32_t> rows = batch_.at(batch).logit_rows();
  MOEBIUS_CHECK(out.rows == std::ssize(rows) && x.rows == batch.rows && out.cols == x.cols);
  for (int64_t i = 0; i < out.rows; ++i) {
    std::memcpy(row(out, i), row(x, rows[static_cast<size_t>(i)]), static_cast<size_t>(x.cols) * 4);
  }
}

void CpuOperations::concat(Tensor out, const Input& a, const Input& b) {
  MOEBIUS_CHECK(out.rows == a.x.rows && out.rows == b.x.rows && out.cols == a.x.cols + b.x.cols);
  int64_t first_col = 0;
  for (const Input* part : {&a, &b}) {
    const std::span<const ActivationRow> rows = input_.prepare(*part, InputRows::Form::kF32);
    for (int64_t t = 0; t < out.rows; ++t) {
      std::memcpy(row(out, t) + first_col, rows[static_cast<size_t>(t)].x, static_cast<size_t>(part->x.cols) * 4);
    }
    first_col += part->x.cols;
  }
}

}  // namespace moebius::internal::cpu
