// Loads an engine from an open checkpoint, for programs that look into the checkpoint before they load it.
#pragma once

#include "model/checkpoint.h"
#include "moebius/engine.h"

namespace moebius::internal {

struct EngineLoader {
  // Works like Engine::load(), but takes a checkpoint that is already open. The checkpoint is not needed afterwards.
  static Engine load(const Checkpoint& checkpoint, const EngineOptions& options);
};

}  // namespace moebius::internal
