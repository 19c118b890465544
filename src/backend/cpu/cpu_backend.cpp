// The factory of the CPU backend, and its choice of kernels.
#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <memory>
#include <string>

#include "backend/cpu/pack.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

const cpu::KernelTable& kernels_of(InstructionSet isa) {
  const std::vector<InstructionSet> available = available_isas();
  if (std::ranges::find(available, isa) == available.end()) {
    throw Error(ErrorCode::kUnavailable, "--isa " + std::string(name(isa)), "this machine lacks the instruction set",
                "leave --isa out to use the best there is");
  }
#if defined(__x86_64__)
  if (isa == InstructionSet::kAvx512) return cpu::avx512_kernels();
  if (isa == InstructionSet::kAvx2) return cpu::avx2_kernels();
#endif
  return cpu::portable_kernels();
}

}  // namespace

std::string_view cpu_layout_name() { return cpu::kLayoutName; }

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<cpu::CpuBackend>(kernels_of(options.isa), options);
}

}  // namespace moebius::internal
