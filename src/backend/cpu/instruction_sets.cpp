// Finds out which instruction sets this machine has. Compiled for the baseline machine.
#include "backend/cpu/cpu.h"
#include "backend/cpu/kernels/kernel_table.h"

namespace moebius::internal {

std::string_view name(InstructionSet isa) {
  switch (isa) {
    case InstructionSet::kPortable:
      return "portable";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
  }
  return "?";
}

std::vector<InstructionSet> available_isas() {
  std::vector<InstructionSet> isas = {InstructionSet::kPortable};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni");
  if (avx2) isas.push_back(InstructionSet::kAvx2);
  if (avx2 && avx512) isas.push_back(InstructionSet::kAvx512);
#endif
  return isas;
}

}  // namespace moebius::internal
