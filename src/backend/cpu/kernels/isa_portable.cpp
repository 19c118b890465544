// The generic kernels, compiled for portable. This file includes nothing else (kernel_table.h says why).
#define MOEBIUS_ISA portable
#define MOEBIUS_VEC "backend/cpu/kernels/vec_portable.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& portable_kernels() { return portable::kTable; }

}  // namespace moebius::internal::cpu
