// One list of buffers, used twice: to allocate the buffers, and to compute how many bytes they take.
#include "model/workspace.h"

#include <algorithm>
#include <functional>

#include "model/model.h"

namespace moebius::internal {
namespace {

using Allocate = std::function<Tensor(DType dtype, int64_t rows, int64_t cols)>;

Workspace build(const ModelConfig& config, const ModelOptions& options, const Allocate& allocate) {
  const AttentionShape attention = config.attention_shape();
  const DeltaShape delta = config.delta_shape();
  const int64_t rows = options.max_rows;
  const int64_t logit_rows = std::min(rows, kMaxLogitRows);
  const auto floats = [&](int64_t n, int64_t cols) { return allocate(DType::kF32, n, cols); };
  Workspace w;
  w.residual = floats(rows, config.dim);
  w.q_or_qkv = floats(rows, std::max(attention.query_cols(), delta.conv_dim()));
  w.k_or_z = floats(rows, std::max(attention.kv_cols(), delta.value_dim()));
  w.v_or_b = floats(rows, std::max(attention.kv_cols(), delta.value_heads));
  w.a = floats(rows, std::max<int64_t>(delta.value_heads, 1));
  w.mixed.x = floats(rows, std::max(attention.out_cols(), delta.value_dim()));
  if (!options.mtp.empty()) {
    w.hidden = floats(rows, config.dim);
    w.mtp_hidden = floats(rows, config.dim);
    w.mtp_in = floats(rows, 2 * config.dim);
  }
  w.head_in = floats(logit_rows, config.dim);
  w.logits = floats(logit_rows, config.vocab);
  return w;
}

}  // namespace

Workspace allocate_workspace(Memory& memory, const ModelConfig& config, const ModelOptions& options) {
  Workspace workspace = build(
      config, options, [&](DType dtype, int64_t rows, int64_t cols) { return memory.allocate(dtype, rows, cols); });
  workspace.mixed.quantized = memory.allocate_quantized(options.max_rows, workspace.mixed.x.cols);
  if (config.count(MlpKind::kMoe) > 0) {
    workspace.routing = memory.allocate_routing(options.max_rows, config.router_shape().slots());
  }
  return workspace;
}

uint64_t workspace_bytes(const ModelConfig& config, const ModelOptions& options) {
  uint64_t bytes = 0;
  build(config, options, [&](DType dtype, int64_t rows, int64_t cols) {
    const Tensor tensor(dtype, rows, cols);
    bytes += static_cast<uint64_t>(tensor.bytes());
    return tensor;
  });
  return bytes;
}

}  // namespace moebius::internal
