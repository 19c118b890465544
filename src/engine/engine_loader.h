// An engine of a checkpoint that is open already, for programs that look into it before they load it.
#pragma once

#include "model/checkpoint.h"
#include "moebius/engine.h"

namespace moebius::internal {

struct EngineLoader {
  // As Engine::load(); the checkpoint is not needed afterwards.
  static Engine load(const Checkpoint& checkpoint, const EngineOptions& options);
};

}  // namespace moebius::internal
