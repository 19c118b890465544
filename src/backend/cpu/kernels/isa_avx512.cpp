// The generic kernels, compiled for avx512. Includes nothing but them (see kernel_table.h).
#define MOEBIUS_ISA avx512
#define MOEBIUS_VEC "backend/cpu/kernels/vec_avx512.h"
#include "backend/cpu/kernels/isa_table.h"

namespace moebius::internal::cpu {

const KernelTable& avx512_kernels() { return avx512::kTable; }

}  // namespace moebius::internal::cpu
