// The readable backend. Every operation is written in plain loops that follow docs/numerics.md (N1-N9) to the letter,
// on weights as they stand in the checkpoint. This backend is the specification: other backends are compared with it
// bit by bit. It has one thread, packs nothing, and allocates scratch where it uses it. backend/cpu is the fast one.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace moebius::internal {

// quantized_activations: the form of the activations that quantized weights meet. With kF32, every product follows N2
// on decoded weights; other implementations of a quantized checkpoint are compared with this form.
std::unique_ptr<Backend> make_reference_backend(ActivationKind quantized_activations = ActivationKind::kInt8);

}  // namespace moebius::internal
