// The CPU backend: packed tiles, one table of kernels per instruction set, chosen once. What it computes is defined by
// docs/numerics.md and compared with the reference backend bit by bit.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "moebius/compute_options.h"

namespace moebius::internal {

std::string_view name(InstructionSet isa);

// What this machine can run, best last. AVX2 means AVX2 + FMA + F16C; AVX-512 means F, BW, VL, DQ and VNNI.
std::vector<InstructionSet> available_isas();

struct CpuOptions {
  InstructionSet isa = InstructionSet::kPortable;
  int threads = 1;
  WeightStore* store = nullptr;  // where packed weights go; outlives the backend. Null: memory of the backend's own
};

// Another name whenever the packed bytes of a matrix change. One layout serves every instruction set.
std::string_view cpu_layout_name();

// Throws kUnavailable when this machine lacks the instruction set.
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace moebius::internal
