// What the delta layers took in, kept so that a state can take it in again: a snapshot and the log of the tokens behind
// it make the state of any of those tokens, bit for bit and without a weight being read. Who keeps snapshots and logs,
// and which rows go where in them, is the caller's; the replay itself is in delta_net.h.
#pragma once

#include "backend/backend.h"
#include "model/config.h"

namespace moebius {

// What the delta layers took in of up to `capacity` tokens: rows before the convolution, and the gates. Layer l of a
// log has its rows [l * capacity, (l + 1) * capacity). Without delta layers there are no tensors.
struct DeltaLog {
  int64_t capacity = 0;
  Tensor qkv;   // [layers * capacity, conv_dim]
  Tensor b, a;  // [layers * capacity, Hv]
};

// Rows [first_row, first_row + rows) of a step go to rows [log_row, log_row + rows) of a log, in every layer.
struct LoggedRows {
  const DeltaLog* log = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t log_row = 0;
};

// What one delta layer takes in of T tokens.
struct DeltaInputs {
  Tensor qkv;   // [T, conv_dim]
  Tensor b, a;  // [T, Hv]

  [[nodiscard]] DeltaInputs slice(int64_t first, int64_t n) const {
    return {qkv.slice(first, n), b.slice(first, n), a.slice(first, n)};
  }
};

DeltaLog create_delta_log(Backend& backend, const ModelConfig& config, int64_t capacity);
void free_delta_log(Backend& backend, const DeltaLog& log);
int64_t delta_log_bytes(const ModelConfig& config, int64_t capacity);

// Rows [first, first + n) of layer `layer` of the log.
DeltaInputs logged_inputs(const DeltaLog& log, int64_t layer, int64_t first, int64_t n);
// Keeps what layer `layer` takes in of a step.
void log_inputs(Backend& backend, std::span<const LoggedRows> logged, const DeltaInputs& inputs, int64_t layer);

}  // namespace moebius
