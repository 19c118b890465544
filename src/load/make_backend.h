// The one place that knows every backend.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "moebius/compute_options.h"

namespace moebius::internal {

// What the backend calls its layout of packed weights; empty when it packs nothing.
std::string_view packed_layout(BackendKind backend);

// The instruction sets of the cpu backend that this machine has, best last.
std::vector<InstructionSet> machine_instruction_sets();

// store: where packed weights go; it outlives the backend. Null: memory of the backend's own. Throws kUsage for options
// that no backend takes, kUnavailable when this machine lacks the instruction set.
std::unique_ptr<Backend> make_backend(const ComputeOptions& options, WeightStore* store = nullptr);

}  // namespace moebius::internal
