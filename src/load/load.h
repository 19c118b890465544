// Loads an open checkpoint as a model on a backend, after a check that this machine has enough memory. The public
// Engine uses this file, and so do the subcommands that need more than the Engine offers (bench, logits).
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
  std::unique_ptr<PackedWeights> packed;  // must outlive the backend
  std::unique_ptr<Backend> backend;       // must outlive the model
  std::unique_ptr<Model> model;
  OpMeter* meter = nullptr;  // the same object as `backend` when operations are measured; null otherwise
};

// Returns the options that a load of this checkpoint has: the draft head is chosen, and the context is one that the
// model can have. A context of 0 becomes the largest one up to kDefaultContext whose keys and values fit into half of
// the memory that weights leave; it becomes one page when none fits, so that check_memory() says what is missing.
// available_bytes is nullopt when the system does not tell how much it has; then everything fits. Throws kUsage for
// impossible values.
ModelOptions resolved_options(const Checkpoint& checkpoint, const ModelOptions& options,
                              std::optional<uint64_t> available_bytes);

// Throws kUnavailable when the model does not fit into memory. The error names the needed bytes, the available bytes,
// and the largest context that would fit. The checkpoint is not needed after this call.
LoadedModel load_on_backend(const Checkpoint& checkpoint, const LoadOptions& options);

// Checks whether the plan fits into memory, and throws kUnavailable when it does not. available_bytes is nullopt when
// the system does not tell how much it has; then any plan passes.
void check_memory(const MemoryPlan& plan, int64_t context, std::optional<uint64_t> available_bytes);

}  // namespace moebius::internal
