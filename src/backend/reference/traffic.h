// What the operations had to move, as `bytes` of the bench is defined: weights as they lie in the checkpoint, recurrent
// state read and written, keys and values read. A matrix or an expert counts once per call, however many tokens meet
// it. Activations, norms and the small vectors of the delta rule are left out: they stay in the caches.
#pragma once

#include <utility>

#include "backend/backend.h"

namespace moebius::reference {

class TrafficMeter {
 public:
  void weights(int64_t bytes) { traffic_.weight_bytes += bytes; }
  void recurrent_state(int64_t bytes) { traffic_.state_bytes += 2 * bytes; }
  void keys_and_values(int64_t bytes) { traffic_.kv_bytes += bytes; }
  void expert_layer(int64_t distinct_routed) {
    ++traffic_.expert_layers;
    traffic_.distinct_experts += distinct_routed;
  }
  Traffic take() { return std::exchange(traffic_, {}); }

 private:
  Traffic traffic_;
};

}  // namespace moebius::reference
