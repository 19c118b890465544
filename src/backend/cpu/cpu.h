// The CPU backend. It packs weights, and runs one table of kernels, chosen once by instruction set. docs/numerics.md
// defines what it computes; its results are compared with the reference backend bit by bit.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "moebius/compute_options.h"

namespace moebius::internal {

std::string_view name(InstructionSet isa);

// The instruction sets of this machine, best last. AVX2 means AVX2 + FMA + F16C; AVX-512 means F, BW, VL, DQ and VNNI.
std::vector<InstructionSet> available_isas();

struct CpuOptions {
  InstructionSet isa = InstructionSet::kPortable;
  int threads = 1;
  WeightStore* store = nullptr;  // keeps packed weights, outlives the backend; null: the backend uses its own memory
};

// The name of the packed layout. It changes whenever the packed bytes of a matrix change. One layout serves every
// instruction set.
std::string_view cpu_layout_name();

// Throws kUnavailable when this machine lacks the instruction set.
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace moebius::internal
