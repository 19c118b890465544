// The generic kernels, compiled for portable. Includes nothing but them (see isa.h).
#define MOEBIUS_ISA portable
#include "backend/cpu/isa.h"
#include "backend/cpu/vec_portable.h"
// In this order: each uses what stands above it.
#include "backend/cpu/kernels/attention.h"
#include "backend/cpu/kernels/delta_net.h"
#include "backend/cpu/kernels/launch.h"
#include "backend/cpu/kernels/math.h"
#include "backend/cpu/kernels/matmul.h"
#include "backend/cpu/kernels/rows.h"
#include "backend/cpu/kernels/table.h"

namespace moebius::cpu {

const KernelTable& portable_kernels() { return portable::kTable; }

}  // namespace moebius::cpu
