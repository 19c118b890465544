// See cli/session.h.
#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "load/available_memory.h"
#include "load/options.h"

namespace moebius::apps {
namespace {

ModelConfig config_of(const ModelDir& files) {
  return parse_model_config(files.config(), (files.path() / "config.json").string());
}

MemoryPlan plan_of(const std::string& directory, const EngineOptions& options) {
  const ModelDir files(directory);
  const ModelConfig config = config_of(files);
  ModelOptions model = effective_options(config, model_options(options));
  resolve_draft_head(model, files);
  const MemoryPlan plan = plan_memory(files, config, model);
  const auto available = available_memory_bytes();
  note("memory: {} weights + {} caches + {} work = {} of {} available\n", human_bytes(plan.weight_bytes),
       human_bytes(plan.kv_bytes + plan.recurrent_bytes), human_bytes(plan.workspace_bytes), human_bytes(plan.total()),
       available ? human_bytes(*available) : "an unknown amount");
  return plan;
}

}  // namespace

std::string model_name(const std::string& directory) {
  const std::filesystem::path path = std::filesystem::absolute(directory).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

Ready load_with_progress(const std::string& directory, const CommonOptions& options,
                         const std::function<void(const EngineOptions&)>& load) {
  check_common_options(options);
  Ready ready{.name = model_name(directory), .plan = plan_of(directory, options.engine)};
  Progress progress("loading", ready.plan.weight_bytes);
  EngineOptions with_progress = options.engine;
  with_progress.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
  std::vector<std::string> notices;  // shown when the bar is gone
  with_progress.notice = [&](const std::string& line) { notices.push_back(line); };
  load(with_progress);
  progress.finish();
  for (const std::string& line : notices) note("{}\n", line);
  ready.load_s = progress.seconds();
  const EngineOptions& engine = options.engine;
  note("ready: {}, {}, ctx {}, {} {}, threads {}, loaded in {:.1f} s at {:.2f} GB/s\n", ready.name,
       human_bytes(ready.plan.weight_bytes), engine.context, engine.backend, chosen_isa(engine.backend, engine.isa),
       chosen_threads(engine.threads), ready.load_s, static_cast<double>(ready.plan.weight_bytes) / ready.load_s / 1e9);
  if (options.verbose) {
    note("experts {}, kv {}, activations {}, steps of at most {} tokens; peak memory {}\n", engine.experts, engine.kv,
         engine.activations, engine.max_rows, human_bytes(peak_resident_bytes()));
  }
  return ready;
}

ReadyEngine load_engine(const std::string& directory, const CommonOptions& options) {
  std::unique_ptr<Engine> engine;
  Ready ready = load_with_progress(directory, options, [&](const EngineOptions& with_progress) {
    engine = std::make_unique<Engine>(Engine::load(directory, with_progress));
  });
  return {std::move(ready), std::move(*engine)};
}

Runner load_runner(const std::string& directory, const CommonOptions& options) {
  std::unique_ptr<Runner> runner;
  load_with_progress(directory, options, [&](const EngineOptions& with_progress) {
    runner = std::make_unique<Runner>(Runner::load(directory, with_progress));
  });
  return std::move(*runner);
}

int32_t vocab_rows(const std::string& directory) { return static_cast<int32_t>(config_of(ModelDir(directory)).vocab); }

Loaded load(const std::string& directory, const CommonOptions& options, bool measure_ops) {
  Loaded loaded;
  const Ready ready = load_with_progress(directory, options, [&](const EngineOptions& with_progress) {
    const ModelDir files(directory);
    LoadOptions load = load_options(with_progress);
    load.measure_ops = measure_ops;
    loaded.parts = load_on_backend(files, load);
  });
  loaded.name = ready.name;
  loaded.plan = ready.plan;
  loaded.load_s = ready.load_s;
  return loaded;
}

Session::Session(const Loaded& loaded)
    : loaded_(loaded), state_(loaded.backend().create_state(loaded.model().state_spec())) {}

Session::~Session() { loaded_.backend().free_state(state_); }

void Session::reset() {
  loaded_.backend().reset_state(state_);
  position_ = 0;
}

Tensor Session::step(std::span<const int32_t> tokens, int64_t first, int64_t count, const LayerObserver& observer) {
  const auto rows = static_cast<int64_t>(tokens.size());
  return run({.state = state_, .first_row = 0, .rows = rows, .position = position_}, tokens, first, count, observer);
}

Tensor Session::guess(std::span<const int32_t> tokens, int64_t position) {
  const auto rows = static_cast<int64_t>(tokens.size());
  rows_.resize(tokens.size());
  std::iota(rows_.begin(), rows_.end(), 0);
  const SequenceRows sequence[] = {{.state = state_, .first_row = 0, .rows = rows, .position = position}};
  Model& model = loaded_.model();
  return model.forward_mtp(
      {.hidden = model.last_hidden(rows), .tokens = tokens, .sequences = sequence, .logit_rows = rows_});
}

Tensor Session::draft(std::span<const int32_t> tokens) {
  const auto rows = static_cast<int64_t>(tokens.size());
  return run({.state = state_, .first_row = 0, .rows = rows, .position = position_, .draft = true}, tokens, 0, rows);
}

void Session::keep(int64_t rows, int64_t drafted) {
  loaded_.backend().keep_rows(state_, rows);
  position_ -= drafted - rows;
}

Tensor Session::run(const SequenceRows& sequence, std::span<const int32_t> tokens, int64_t first, int64_t count,
                    const LayerObserver& observer) {
  rows_.resize(static_cast<size_t>(count));
  std::iota(rows_.begin(), rows_.end(), static_cast<int32_t>(first));
  const Tensor logits =
      loaded_.model().forward({.tokens = tokens, .sequences = {&sequence, 1}, .logit_rows = rows_}, observer);
  position_ += sequence.rows;
  return logits;
}

void Session::pretend(int64_t position) {
  loaded_.backend().repeat_context(state_, position_, position);
  position_ = position;
}

void Session::skip(std::span<const int32_t> tokens) {
  const auto most = static_cast<size_t>(loaded_.model().options().max_rows);
  while (!tokens.empty()) {
    throw_if_interrupted();
    const size_t rows = std::min(most, tokens.size());
    step(tokens.first(rows), 0, 0);
    tokens = tokens.subspan(rows);
  }
}

}  // namespace moebius::apps
