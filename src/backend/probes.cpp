// Arithmetic of Traffic, member by member.
#include "backend/probes.h"

namespace moebius::internal {

Traffic& Traffic::operator+=(const Traffic& other) {
  weight_bytes += other.weight_bytes;
  state_bytes += other.state_bytes;
  kv_bytes += other.kv_bytes;
  expert_layers += other.expert_layers;
  distinct_experts += other.distinct_experts;
  barriers += other.barriers;
  int8_macs += other.int8_macs;
  return *this;
}

Traffic operator-(const Traffic& now, const Traffic& before) {
  return {.weight_bytes = now.weight_bytes - before.weight_bytes,
          .state_bytes = now.state_bytes - before.state_bytes,
          .kv_bytes = now.kv_bytes - before.kv_bytes,
          .expert_layers = now.expert_layers - before.expert_layers,
          .distinct_experts = now.distinct_experts - before.distinct_experts,
          .barriers = now.barriers - before.barriers,
          .int8_macs = now.int8_macs - before.int8_macs};
}

}  // namespace moebius::internal
