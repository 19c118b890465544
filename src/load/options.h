// Translates EngineOptions into the options of the lower layers.
#pragma once

#include "load/load.h"
#include "moebius/engine_options.h"

namespace moebius::internal {

// Throws kUsage when the draft head is in another directory and the options do not name it.
ModelOptions model_options(const EngineOptions& options);
LoadOptions load_options(const EngineOptions& options);

// Resolves DraftHeadUse::kIfBundled: the draft head is used if the checkpoint has one.
void resolve_draft_head(ModelOptions& options, const ModelDir& directory);

}  // namespace moebius::internal
