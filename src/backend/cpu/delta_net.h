// What the two files that change the state of the delta layers share: delta_net.cpp takes tokens in, rollback.cpp takes
// them back.
#pragma once

#include <cstdint>

namespace moebius::internal::cpu {

// Channels [first, first + count) of a convolution's state.
struct ConvHistory {
  float* rows;  // [length, channels], oldest first
  int64_t length, channels;
  int64_t first, count;

  // Takes in `taken` rows of inputs [taken, channels]. The state becomes the last `length` rows of [state; inputs].
  void advance(const float* inputs, int64_t taken) const;
};

}  // namespace moebius::internal::cpu
