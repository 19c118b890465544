// The kernel table of one instruction set, MOEBIUS_ISA.
#pragma once

#include "backend/cpu/kernels/attention.h"
#include "backend/cpu/kernels/delta_net.h"
#include "backend/cpu/kernels/launch.h"
#include "backend/cpu/kernels/probe.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

static constexpr KernelTable kTable = {
    .matmul = matmul,
    .gate_up = gate_up,
    .quantize_row = quantize_row,
    .rms_norm = rms_norm,
    .add = add_to,
    .swiglu = swiglu,
    .scale_add = scale_add,
    .l2_norm = l2_norm,
    .dot = dot,
    .rotate = rotate,
    .gate_sigmoid = gate_sigmoid,
    .attend = attend,
    .conv = conv,
    .delta_rule = delta_rule,
    .delta_replay = delta_replay,
    .dot_probe = dot_probe,
};

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
