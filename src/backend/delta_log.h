// The tensors behind a DeltaLog, for backends that keep a log in tensors of their own.
#pragma once

#include <cstdint>

#include "backend/memory.h"
#include "backend/state.h"
#include "backend/tensor.h"
#include "base/check.h"

namespace moebius::internal {

// The inputs of one delta layer for T tokens: the rows before the convolution, and the gates.
struct DeltaInputs {
  Tensor qkv;   // [T, conv_dim]
  Tensor b, a;  // [T, Hv]

  [[nodiscard]] DeltaInputs slice(int64_t first, int64_t n) const {
    return {qkv.slice(first, n), b.slice(first, n), a.slice(first, n)};
  }
};

// The logs of all delta layers, one behind the other. Layer l has the rows [l * capacity, (l + 1) * capacity).
struct LoggedTensors {
  int64_t capacity = 0;
  DeltaInputs all;  // [layers * capacity, ...]

  // Rows [first, first + n) of a layer.
  [[nodiscard]] DeltaInputs rows(int64_t layer, int64_t first, int64_t n) const {
    MOEBIUS_CHECK(first >= 0 && n >= 0 && first + n <= capacity);
    return all.slice(layer * capacity + first, n);
  }
};

inline LoggedTensors allocate_log(Memory& memory, const StateSpec& spec, int64_t capacity) {
  MOEBIUS_CHECK(capacity >= 1 && spec.delta_layers >= 1);
  const int64_t rows = spec.delta_layers * capacity;
  return {capacity,
          {.qkv = memory.allocate(DType::kF32, rows, spec.delta.conv_dim()),
           .b = memory.allocate(DType::kF32, rows, spec.delta.value_heads),
           .a = memory.allocate(DType::kF32, rows, spec.delta.value_heads)}};
}

inline void free_log(Memory& memory, const LoggedTensors& log) {
  for (const Tensor& tensor : {log.all.qkv, log.all.b, log.all.a}) memory.free(tensor);
}

}  // namespace moebius::internal
