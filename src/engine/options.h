// The words of options (flags, EngineOptions) as what the layers below take. One spelling for the library and the
// program.
#pragma once

#include <string>

#include "engine/make_backend.h"
#include "model/model.h"
#include "moebius/engine.h"

namespace moebius {

ExpertPath parse_expert_path(const std::string& word);  // unfused, concat, fused
std::string_view name(ExpertPath path);
DType parse_kv_dtype(const std::string& word);  // f32, f16

// Both throw kUsage naming the option.
BackendOptions backend_options(const EngineOptions& options);
ModelOptions model_options(const EngineOptions& options);

}  // namespace moebius
