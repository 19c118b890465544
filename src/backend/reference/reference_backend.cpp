// See reference_backend.h.
#include "backend/reference/reference_backend.h"

#include <algorithm>

#include "backend/reference/reference.h"
#include "base/check.h"

namespace moebius::internal {

std::unique_ptr<Backend> make_reference_backend(ActivationKind quantized_activations) {
  return std::make_unique<reference::ReferenceBackend>(quantized_activations);
}

namespace reference {

void ReferenceProbes::write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) {
  StoredRouting& stored = memory_.routing(routing);
  MOEBIUS_CHECK(ids.size() == weights.size() && std::ssize(ids) <= stored.max_rows * stored.slots);
  MOEBIUS_CHECK(std::ssize(ids) % stored.slots == 0);
  stored.ids.assign(ids.begin(), ids.end());
  stored.weights.assign(weights.begin(), weights.end());
}

void ReferenceProbes::read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) {
  const StoredRouting& stored = memory_.routing(routing);
  MOEBIUS_CHECK(ids.size() == stored.ids.size() && weights.size() == stored.weights.size());
  std::ranges::copy(stored.ids, ids.begin());
  std::ranges::copy(stored.weights, weights.begin());
}

}  // namespace reference
}  // namespace moebius::internal
