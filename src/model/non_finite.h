// Finds the layer that first produced a NaN or an infinity, when logits are not finite.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/model.h"

namespace moebius::internal {

// Resets `state`, runs the tokens in it again from position 0 and watches the residual stream. Returns the place, as
// "layer 3 (linear attention), token 17". When every layer is finite, the place is the final norm or the head.
std::string find_non_finite(Model& model, Backend& backend, State state, std::span<const int32_t> tokens);
// Runs the tokens in a state of its own.
std::string find_non_finite(Model& model, Backend& backend, std::span<const int32_t> tokens);

}  // namespace moebius::internal
