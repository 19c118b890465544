// The readable backend: every operation in plain loops that follow docs/numerics.md (N1-N9) to the letter, on weights
// as they stand in the checkpoint. It is the specification: other backends are compared with it bit by bit. One thread,
// no packing, and scratch is allocated where it is used; speed lives in backend/cpu.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace moebius::internal {

// quantized_activations: what quantized weights meet. kF32: every product by N2 on decoded weights, which is what other
// implementations of a quantized checkpoint are compared with.
std::unique_ptr<Backend> make_reference_backend(ActivationKind quantized_activations = ActivationKind::kInt8);

}  // namespace moebius::internal
