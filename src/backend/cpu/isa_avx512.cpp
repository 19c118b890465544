// The generic kernels, compiled for avx512. Includes nothing but them (see isa.h).
#define MOEBIUS_ISA avx512
#include "backend/cpu/isa.h"
#include "backend/cpu/vec_avx512.h"
// In this order: each uses what stands above it.
#include "backend/cpu/kernels/attention.h"
#include "backend/cpu/kernels/delta_net.h"
#include "backend/cpu/kernels/launch.h"
#include "backend/cpu/kernels/math.h"
#include "backend/cpu/kernels/matmul.h"
#include "backend/cpu/kernels/rows.h"
#include "backend/cpu/kernels/table.h"

namespace moebius::cpu {

const KernelTable& avx512_kernels() { return avx512::kTable; }

}  // namespace moebius::cpu
