// See delta_log.h.
#include "model/delta_log.h"

#include "base/check.h"

namespace moebius {

DeltaLog create_delta_log(Backend& backend, const ModelConfig& config, int64_t capacity) {
  MOEBIUS_CHECK(capacity >= 1);
  const int64_t rows = config.count(LayerKind::kLinearAttention) * capacity;
  if (rows == 0) return {.capacity = capacity, .qkv = {}, .b = {}, .a = {}};
  return {.capacity = capacity,
          .qkv = backend.allocate(DType::kF32, rows, config.conv_dim()),
          .b = backend.allocate(DType::kF32, rows, config.value_heads),
          .a = backend.allocate(DType::kF32, rows, config.value_heads)};
}

void free_delta_log(Backend& backend, const DeltaLog& log) {
  for (const Tensor& tensor : {log.qkv, log.b, log.a}) {
    if (tensor.rows > 0) backend.free_tensor(tensor);
  }
}

int64_t delta_log_bytes(const ModelConfig& config, int64_t capacity) {
  return config.count(LayerKind::kLinearAttention) * capacity * (config.conv_dim() + 2 * config.value_heads) * 4;
}

DeltaInputs logged_inputs(const DeltaLog& log, int64_t layer, int64_t first, int64_t n) {
  MOEBIUS_CHECK(first >= 0 && n >= 0 && first + n <= log.capacity);
  return DeltaInputs{log.qkv, log.b, log.a}.slice(layer * log.capacity + first, n);
}

void log_inputs(Backend& backend, std::span<const LoggedRows> logged, const DeltaInputs& inputs, int64_t layer) {
  for (const LoggedRows& rows : logged) {
    const DeltaInputs to = logged_inputs(*rows.log, layer, rows.log_row, rows.rows);
    const DeltaInputs from = inputs.slice(rows.first_row, rows.rows);
    backend.copy(to.qkv, from.qkv);
    backend.copy(to.b, from.b);
    backend.copy(to.a, from.a);
  }
}

}  // namespace moebius
