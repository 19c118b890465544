// Options that decide which backend runs a model and how. All of them give the same bits at different speeds, except
// for the activations, which change the bits.
#pragma once

#include <cstdint>
#include <optional>

namespace moebius {

enum class BackendKind : uint8_t {
  kCpu,
  kReference,  // plain loops, the specification of every other backend; slow
};

// x86-64. Every machine runs kPortable.
enum class InstructionSet : uint8_t { kPortable, kAvx2, kAvx512 };

// The three ways through an MoE layer. They read the same packed layout, and their results are bitwise equal.
enum class ExpertPath : uint8_t {
  kUnfused,  // gate, up, activation, down and weighted sum, each in a pass of its own
  kConcat,   // gate and up in one pass into a [2F] buffer, then the activation as a pass of its own
  kFused,    // gate and up in one pass, SwiGLU in registers, int8 straight to down
};

// The type of the activations that a quantized matrix is multiplied with (N4 and N2 of docs/numerics.md). Dense weights
// always take f32.
enum class ActivationKind : uint8_t { kInt8, kF32 };

struct ComputeOptions {
  BackendKind backend = BackendKind::kCpu;
  std::optional<InstructionSet> instruction_set = {};  // of the cpu backend; nullopt: the best that this machine has
  ExpertPath experts = ExpertPath::kFused;
  ActivationKind activations = ActivationKind::kInt8;  // the reference backend alone computes with kF32
  int threads = 0;  // up to kMaxThreads; 0: the physical cores within affinity and quota
};

}  // namespace moebius
