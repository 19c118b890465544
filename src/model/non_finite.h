// Finds the layer where logits that are not numbers began.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/model.h"

namespace moebius::internal {

// Runs the tokens again from position 0 in `state` (which it resets) and watches the residual stream: "layer 3
// (linear attention), token 17", or the head when every layer is finite.
std::string find_non_finite(Model& model, Backend& backend, State state, std::span<const int32_t> tokens);
std::string find_non_finite(Model& model, Backend& backend, std::span<const int32_t> tokens);  // in a state of its own

}  // namespace moebius::internal
