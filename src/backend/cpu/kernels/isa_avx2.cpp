// The generic kernels, compiled for avx2. Includes nothing but them (see kernel_table.h).
#define MOEBIUS_ISA avx2
#define MOEBIUS_VEC "backend/cpu/kernels/vec_avx2.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& avx2_kernels() { return avx2::kTable; }

}  // namespace moebius::internal::cpu
