// The generic kernels, compiled for avx2. This file includes nothing else (kernel_table.h says why).
#define MOEBIUS_ISA avx2
#define MOEBIUS_VEC "backend/cpu/kernels/vec_avx2.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& avx2_kernels() { return avx2::kTable; }

}  // namespace moebius::internal::cpu
