// Loads a model and reports on stderr: how much memory the model needs, how far loading is, and one line when the model
// is ready.
#pragma once

#include <functional>
#include <string>

#include "cli/options.h"
#include "load/load.h"
#include "model/checkpoint.h"
#include "moebius/engine.h"

namespace moebius::internal::apps {

// Returns the last part of the path, which is what people call the model.
std::string model_name(const std::string& directory);

// Facts about a loaded model.
struct Ready {
  std::string name;
  MemoryPlan plan;
  double load_s = 0;
};

struct ReadyEngine {
  Ready ready;
  Engine engine;
};

// A model without an engine, for commands that step it by hand.
struct ReadyModel {
  Ready ready;
  LoadedModel loaded;

  [[nodiscard]] Model& model() const { return *loaded.model; }
  [[nodiscard]] Backend& backend() const { return *loaded.backend; }
};

// Sets the context that a load of the checkpoint will have, as LimitOptions::context says. Reports on stderr when that
// is less than was asked for. Throws kUsage.
void settle_context(const Checkpoint& checkpoint, EngineOptions& options);

// Both functions settle the context. They throw kUsage, kUnavailable, and what loading throws.
ReadyEngine load_engine(const Checkpoint& checkpoint, const CommonOptions& options);
ReadyModel load_model(const Checkpoint& checkpoint, const CommonOptions& options, bool measure_ops = false);

}  // namespace moebius::internal::apps
