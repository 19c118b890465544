// The generic kernels, compiled for avx512. This file includes nothing else (kernel_table.h says why).
#define MOEBIUS_ISA avx512
#define MOEBIUS_VEC "backend/cpu/kernels/vec_avx512.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& avx512_kernels() { return avx512::kTable; }

}  // namespace moebius::internal::cpu
