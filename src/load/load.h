// From an open checkpoint to a model on a backend, after asking whether this machine can hold it. What the public
// Engine and the subcommands that need more than it (bench, logits) share.
#pragma once

#include <memory>
#include <optional>

#include "backend/op_meter.h"
#include "load/make_backend.h"
#include "load/packed_weights.h"
#include "model/checkpoint.h"
#include "model/model.h"

namespace moebius::internal {

struct LoadOptions {
  ComputeOptions compute;
  ModelOptions model;
  PackedLoading packed;
  bool measure_ops = false;
};

struct LoadedModel {
  std::unique_ptr<PackedWeights> packed;  // outlives the backend
  std::unique_ptr<Backend> backend;       // outlives the model
  std::unique_ptr<Model> model;
  OpMeter* meter = nullptr;  // the backend itself, when its operations are measured
};

// Throws kUnavailable when the plan does not fit: need, have, and the largest context that would fit. The checkpoint is
// read here and not needed afterwards.
LoadedModel load_on_backend(const Checkpoint& checkpoint, const LoadOptions& options);

// The same question alone. available_bytes: nullopt when the system does not say, and then nothing is refused.
void check_memory(const MemoryPlan& plan, int64_t context, std::optional<uint64_t> available_bytes);

}  // namespace moebius::internal
