// The words of options (flags, EngineOptions) as what the layers below take. One spelling for the library and the
// program.
#pragma once

#include <string>

#include "load/load.h"
#include "moebius/engine_options.h"

namespace moebius::internal {

ExpertPath parse_expert_path(const std::string& word);  // unfused, concat, fused
std::string_view name(ExpertPath path);
DType parse_kv_dtype(const std::string& word);  // f32, f16

PackedUse parse_packed_use(const std::string& word);  // off, auto, make

// EngineOptions::mtp "auto": the draft head of the checkpoint if there is one.
void resolve_draft_head(ModelOptions& options, const ModelDir& directory);

// All throw kUsage naming the option.
ModelOptions model_options(const EngineOptions& options);
LoadOptions load_options(const EngineOptions& options);

}  // namespace moebius::internal
