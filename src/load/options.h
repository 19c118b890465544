// EngineOptions as what the layers below take.
#pragma once

#include "load/load.h"
#include "moebius/engine_options.h"

namespace moebius::internal {

// Throws kUsage for a draft head in a directory that is not named.
ModelOptions model_options(const EngineOptions& options);
LoadOptions load_options(const EngineOptions& options);

// Decides DraftHeadUse::kIfBundled by what the checkpoint has.
void resolve_draft_head(ModelOptions& options, const ModelDir& directory);

}  // namespace moebius::internal
