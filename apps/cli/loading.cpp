// See cli/loading.h.
#include "cli/loading.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/engine_loader.h"
#include "load/available_memory.h"
#include "load/option_words.h"
#include "load/options.h"

namespace moebius::internal::apps {
namespace {

MemoryPlan plan_of(const Checkpoint& checkpoint, const EngineOptions& options) {
  const auto available = available_memory_bytes();
  const MemoryPlan plan = plan_memory(checkpoint, resolved_options(checkpoint, model_options(options), available));
  note("memory: {} weights + {} caches + {} work = {} of {} available\n", human_bytes(plan.weight_bytes),
       human_bytes(plan.kv_bytes + plan.recurrent_bytes), human_bytes(plan.workspace_bytes), human_bytes(plan.total()),
       available ? human_bytes(*available) : "an unknown amount");
  return plan;
}

// Calls `load` with options that report progress.
Ready load_with_progress(const Checkpoint& checkpoint, const CommonOptions& options,
                         const std::function<void(const EngineOptions&)>& load) {
  check_common_options(options);
  EngineOptions with_progress = options.engine;
  settle_context(checkpoint, with_progress);
  Ready ready{.name = model_name(checkpoint.files.path().string()), .plan = plan_of(checkpoint, with_progress)};
  Progress progress("loading", ready.plan.weight_bytes);
  with_progress.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
  std::vector<std::string> notices;  // shown after the bar is removed
  with_progress.notice = [&](const std::string& line) { notices.push_back(line); };
  load(with_progress);
  progress.finish();
  for (const std::string& line : notices) note("{}\n", line);
  ready.load_s = progress.seconds();
  const EngineOptions& engine = options.engine;
  const ComputeOptions& compute = engine.compute;
  note("ready: {}, {}, ctx {}, {} {}, threads {}, loaded in {:.1f} s at {:.2f} GB/s\n", ready.name,
       human_bytes(ready.plan.weight_bytes), with_progress.limits.context, word(compute.backend),
       word(chosen_isa(compute)), chosen_threads(compute.threads), ready.load_s,
       static_cast<double>(ready.plan.weight_bytes) / ready.load_s / 1e9);
  if (options.verbose) {
    note("experts {}, kv {}, activations {}, steps of at most {} tokens; peak memory {}\n", word(compute.experts),
         word(engine.cache.kv), word(compute.activations), engine.limits.max_rows, human_bytes(peak_resident_bytes()));
  }
  return ready;
}

}  // namespace

std::string model_name(const std::string& directory) {
  const std::filesystem::path path = std::filesystem::absolute(directory).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

void settle_context(const Checkpoint& checkpoint, EngineOptions& options) {
  const int64_t wanted = options.limits.context;
  options.limits.context = resolved_options(checkpoint, model_options(options), available_memory_bytes()).context;
  if (options.limits.context < wanted) {
    note("the model has {} positions, not the {} that were asked for: ctx {}\n", checkpoint.config.max_positions,
         wanted, options.limits.context);
  }
}

ReadyEngine load_engine(const Checkpoint& checkpoint, const CommonOptions& options) {
  std::unique_ptr<Engine> engine;
  Ready ready = load_with_progress(checkpoint, options, [&](const EngineOptions& with_progress) {
    engine = std::make_unique<Engine>(EngineLoader::load(checkpoint, with_progress));
  });
  return {std::move(ready), std::move(*engine)};
}

ReadyModel load_model(const Checkpoint& checkpoint, const CommonOptions& options, bool measure_ops) {
  ReadyModel model;
  model.ready = load_with_progress(checkpoint, options, [&](const EngineOptions& with_progress) {
    LoadOptions load = load_options(with_progress);
    load.measure_ops = measure_ops;
    model.loaded = load_on_backend(checkpoint, load);
  });
  return model;
}

}  // namespace moebius::internal::apps
