// Implements loading, with the memory check before it.
#include "load/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "load/available_memory.h"
#include "load/options.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

std::string gigabytes(uint64_t bytes) { return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9); }

// Returns the largest context that fits, in tokens; it is a multiple of a page. Returns 0 when not even the weights and
// one page fit.
int64_t largest_context(const MemoryPlan& plan, int64_t context, uint64_t available_bytes) {
  const uint64_t fixed_bytes = plan.total() - plan.kv_bytes;
  const uint64_t page_bytes = plan.kv_bytes / static_cast<uint64_t>(div_up(context, kPagePositions));
  if (fixed_bytes >= available_bytes || page_bytes == 0) return 0;
  return static_cast<int64_t>((available_bytes - fixed_bytes) / page_bytes) * kPagePositions;
}

// Half of what the weights leave stays free: available memory changes from one moment to the next, and a context that
// nobody asked for must not be why a load fails.
int64_t default_context(const Checkpoint& checkpoint, ModelOptions options, std::optional<uint64_t> available_bytes) {
  options.context = std::min(kDefaultContext, checkpoint.config.max_positions);
  if (!available_bytes) return options.context;
  const MemoryPlan plan = plan_memory(checkpoint, options);
  const uint64_t fixed_bytes = plan.total() - plan.kv_bytes;
  const uint64_t left_bytes = *available_bytes - std::min(fixed_bytes, *available_bytes);
  if (plan.kv_bytes <= left_bytes / 2) return options.context;
  const int64_t largest = largest_context(plan, options.context, fixed_bytes + left_bytes / 2);
  return std::clamp(largest, std::min(kPagePositions, options.context), options.context);
}

}  // namespace

ModelOptions resolved_options(const Checkpoint& checkpoint, const ModelOptions& options,
                              std::optional<uint64_t> available_bytes) {
  ModelOptions resolved = options;
  resolve_draft_head(resolved, checkpoint.files);
  if (resolved.context == 0) resolved.context = default_context(checkpoint, resolved, available_bytes);
  return effective_options(checkpoint.config, resolved);
}

void check_memory(const MemoryPlan& plan, int64_t context, std::optional<uint64_t> available_bytes) {
  if (!available_bytes || plan.total() <= *available_bytes) return;
  const int64_t largest = largest_context(plan, context, *available_bytes);
  throw Error(
      ErrorCode::kUnavailable, "memory",
      fmt::format("need {} (weights {}, caches of {} tokens {}, workspace {}), have {}", gigabytes(plan.total()),
                  gigabytes(plan.weight_bytes), context, gigabytes(plan.kv_bytes + plan.recurrent_bytes),
                  gigabytes(plan.workspace_bytes), gigabytes(*available_bytes)),
      largest > 0 ? fmt::format("a context of {} tokens would fit", largest)
                  : "no context fits: take a checkpoint of fewer bits or a machine with more memory");
}

LoadedModel load_on_backend(const Checkpoint& checkpoint, const LoadOptions& options) {
  const auto available_bytes = available_memory_bytes();
  ModelOptions model = resolved_options(checkpoint, options.model, available_bytes);
  check_memory(plan_memory(checkpoint, model), model.context, available_bytes);
  LoadedModel loaded;
  loaded.packed =
      std::make_unique<PackedWeights>(checkpoint.files, packed_layout(options.compute.backend), options.packed);
  if (loaded.packed->found())
    model.progress = nullptr;  // the packed file has almost all weights, so hardly anything is left to read
  loaded.backend = make_backend(options.compute, loaded.packed->store());
  if (options.measure_ops) {
    auto meter = std::make_unique<OpMeter>(std::move(loaded.backend));
    loaded.meter = meter.get();
    loaded.backend = std::move(meter);
  }
  loaded.model = load_model(checkpoint, *loaded.backend, model);
  loaded.packed->finish();
  return loaded;
}

}  // namespace moebius::internal
