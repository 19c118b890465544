// The generic kernels, compiled for portable. Includes nothing but them (see kernel_table.h).
#define MOEBIUS_ISA portable
#define MOEBIUS_VEC "backend/cpu/kernels/vec_portable.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& portable_kernels() { return portable::kTable; }

}  // namespace moebius::internal::cpu
