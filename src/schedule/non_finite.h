// Logits that are not numbers: noticing them, and finding the layer where they began.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/model.h"

namespace moebius {

bool all_finite(std::span<const float> values);

// Runs the tokens again from position 0 in `state` (which it resets) and watches the residual stream: "layer 3
// (linear attention), token 17", or the head when every layer is finite.
std::string find_non_finite(Model& model, Backend& backend, State state, std::span<const int32_t> tokens);

}  // namespace moebius
