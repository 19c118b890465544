// One list of buffers, used twice: to allocate them and to say what they will take.
#include "model/workspace.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/check.h"
#include "model/model.h"

namespace moebius {
namespace {

using Allocate = std::function<Tensor(DType dtype, int64_t rows, int64_t cols)>;

Workspace build(const ModelConfig& c, const ModelOptions& options, const Allocate& allocate) {
  const int64_t rows = options.max_rows;
  const int64_t q_cols = c.heads * c.head_dim * (c.attention_gate ? 2 : 1);
  const int64_t kv_cols = c.kv_heads * c.head_dim;
  const int64_t logit_rows = std::min(rows, kMaxLogitRows);
  const auto floats = [&](int64_t n, int64_t cols) { return allocate(DType::kF32, n, cols); };
  Workspace w;
  w.ids = allocate(DType::kI32, rows, 1);
  w.residual = floats(rows, c.dim);
  w.normed = floats(rows, c.dim);
  w.block_out = floats(rows, c.dim);
  w.hidden = floats(rows, c.dim);
  w.q_or_qkv = floats(rows, std::max(q_cols, c.conv_dim()));
  w.k_or_z = floats(rows, std::max(kv_cols, c.value_dim()));
  w.v_or_b = floats(rows, std::max(kv_cols, c.value_heads));
  w.a = floats(rows, std::max<int64_t>(c.value_heads, 1));
  w.mixed = floats(rows, std::max(c.heads * c.head_dim, c.value_dim()));
  if (c.count(MlpKind::kMoe) > 0) w.routing = {allocate(DType::kI32, rows, c.slots()), floats(rows, c.slots())};
  if (!options.mtp.empty()) w.mtp_in = floats(rows, 2 * c.dim);
  w.logit_ids = allocate(DType::kI32, logit_rows, 1);
  w.head_in = floats(logit_rows, c.dim);
  w.logits = floats(logit_rows, c.vocab);
  return w;
}

}  // namespace

Workspace allocate_workspace(Backend& backend, const ModelConfig& config, const ModelOptions& options) {
  const int64_t max_rows = options.max_rows;
  Workspace workspace = build(
      config, options, [&](DType dtype, int64_t rows, int64_t cols) { return backend.allocate(dtype, rows, cols); });
  if (config.count(MlpKind::kDense) > 0) {
    const std::vector<float> ones(static_cast<size_t>(max_rows), 1.0f);
    workspace.dense_routing = {backend.allocate(DType::kI32, max_rows, 1), backend.upload(ones, max_rows, 1)};
  }
  return workspace;
}

uint64_t workspace_bytes(const ModelConfig& config, const ModelOptions& options) {
  uint64_t bytes = 0;
  build(config, options, [&](DType dtype, int64_t rows, int64_t cols) {
    const Tensor tensor{nullptr, dtype, rows, cols};
    bytes += static_cast<uint64_t>(tensor.bytes());
    return tensor;
  });
  return bytes;
}

Tensor shaped(Tensor buffer, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(rows * cols <= buffer.rows * buffer.cols);
  return {buffer.data, buffer.dtype, rows, cols};
}

}  // namespace moebius
