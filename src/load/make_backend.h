// Makes backends. This is the only place that knows every backend.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "moebius/compute_options.h"

namespace moebius::internal {

// Returns the backend's name for its layout of packed weights; empty when the backend does not pack weights.
std::string_view packed_layout(BackendKind backend);

// Returns the instruction sets of the cpu backend that this machine has, the best one last.
std::vector<InstructionSet> machine_instruction_sets();

// `store` holds the packed weights and must outlive the backend. If it is null, the backend uses its own memory. Throws
// kUsage for options that no backend takes, and kUnavailable when this machine lacks the instruction set.
std::unique_ptr<Backend> make_backend(const ComputeOptions& options, WeightStore* store = nullptr);

}  // namespace moebius::internal
