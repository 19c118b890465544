// Implements the public Engine: it loads a checkpoint and runs an EngineCore on it.
#include "moebius/engine.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "dialogue/stop_ids.h"
#include "engine/engine_core.h"
#include "engine/engine_loader.h"
#include "load/available_memory.h"
#include "load/load.h"
#include "load/options.h"
#include "sample/generation_defaults.h"

namespace moebius::internal {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::optional<ModelText> read_text(const std::string& directory, const EngineOptions& options) {
  if (options.text == TextNeed::kNone && !has_tokenizer(directory)) return std::nullopt;
  ModelText text = load_model_text(directory);
  if (options.text == TextNeed::kChat) text.chat.choose(Json::array());
  return text;
}

// Returns the default limit of the caches in bytes: a quarter of the memory that is free after the weights were loaded,
// but at least the memory for one request of the whole context. An explicit option takes precedence.
int64_t memory_limit(const EngineOptions& options, Model& model, Backend& backend) {
  if (options.cache.bytes > 0) return options.cache.bytes;
  const int64_t least = KvPool(model, backend.memory(), 0).bytes_for(model.options().context);
  return std::max(least, static_cast<int64_t>(available_memory_bytes().value_or(0) / 4));
}

SchedulerOptions scheduler_options(const EngineOptions& options, const std::string& directory, Model& model,
                                   Backend& backend) {
  const int64_t limit = std::min(kMaxLogitRows, model.options().max_rows);
  const LimitOptions& limits = options.limits;
  if (limits.max_sequences < 1 || limits.max_sequences > limit) {
    throw Error(ErrorCode::kUsage, "max_sequences",
                "expected 1 to " + std::to_string(limit) + ", got " + std::to_string(limits.max_sequences));
  }
  if (limits.prompt_rows < 1) throw Error(ErrorCode::kUsage, "prompt_rows", "expected at least 1");
  return {.memory_bytes = memory_limit(options, model, backend),
          .max_sequences = limits.max_sequences,
          .prompt_rows = limits.prompt_rows,
          .prefix_cache = options.cache.keep_prefixes,
          .clock = now,
          .name = directory};
}

}  // namespace

}  // namespace moebius::internal

namespace moebius {

struct Engine::Impl {
  Impl(internal::LoadedModel model, internal::EngineParts parts) : loaded(std::move(model)), core(std::move(parts)) {}

  internal::LoadedModel loaded;  // must outlive the core
  internal::EngineCore core;
};

}  // namespace moebius

namespace moebius::internal {

Engine EngineLoader::load(const Checkpoint& checkpoint, const EngineOptions& options) {
  const std::string directory = checkpoint.files.path().string();
  const LoadOptions load = load_options(options);
  std::optional<ModelText> text = read_text(directory, options);
  LoadedModel loaded = load_on_backend(checkpoint, load);
  Model& model = *loaded.model;
  Backend& backend = *loaded.backend;
  EngineParts parts = {.model = &model,
                       .backend = &backend,
                       .text = std::move(text),
                       .stop_ids = read_stop_ids(checkpoint.files, model.config().vocab),
                       .speculation = options.drafts.mode,
                       .scheduler = scheduler_options(options, directory, model, backend)};
  return Engine(std::make_unique<Engine::Impl>(std::move(loaded), std::move(parts)));
}

}  // namespace moebius::internal

namespace moebius {

Engine Engine::load(const std::string& directory, const EngineOptions& options) {
  internal::check(options.drafts.mode);  // impossible options are refused before any file is read
  internal::load_options(options);
  return internal::EngineLoader::load(internal::Checkpoint(directory), options);
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

RequestId Engine::submit(const Request& request) { return impl_->core.submit(request); }

RequestId Engine::fork(RequestId parent, int64_t at, const Request& request) {
  return impl_->core.fork(parent, at, request);
}

void Engine::cancel(RequestId id) { impl_->core.cancel(id); }

bool Engine::step() { return impl_->core.step(); }

std::vector<Event> Engine::drain_events() { return impl_->core.drain_events(); }

Stats Engine::stats() const { return impl_->core.stats(); }

std::vector<int32_t> Engine::tokens(RequestId id) const { return impl_->core.tokens(id); }

SamplingOptions Engine::advised_sampling() const {
  const std::optional<internal::ModelText>& text = impl_->core.text();
  return internal::with_defaults(text ? text->sampling : internal::GenerationDefaults{});
}

int32_t Engine::vocab() const { return impl_->core.vocab(); }

int64_t Engine::context() const { return impl_->core.context(); }

std::vector<int32_t> Engine::encode(const std::string& text) const {
  const std::optional<internal::ModelText>& known = impl_->core.text();
  if (known) return known->tokenizer.encode(text);
  throw Error(ErrorCode::kMissingInput, "tokenizer.json", "there is none, so this checkpoint knows no text",
              "copy it from the original model, or use token ids");
}

std::string Engine::token_text(int32_t id) const {
  const std::optional<internal::ModelText>& text = impl_->core.text();
  return text ? text->tokenizer.decode({{id}}) : std::string();
}

}  // namespace moebius
