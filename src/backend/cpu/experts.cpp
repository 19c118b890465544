// The experts of an MoE layer, or a dense MLP as a table of one expert. The passes over the weights are in
// expert_passes.h.
#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::cpu {

void CpuOperations::experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) {
  const PackedExperts& packed = weights_.experts(experts);
  MOEBIUS_CHECK(x.x.cols == packed.dim && out.x.cols == packed.dim && out.x.rows == x.x.rows);
  const auto rows = input_.prepare(x, packed.int8_in() ? InputRows::Form::kF32AndInt8 : InputRows::Form::kF32);
  const RoutedRows* routed = routing.id < 0 ? nullptr : &memory_.routing(routing);
  MOEBIUS_CHECK(routed == nullptr || routed->rows == x.x.rows);
  expert_passes_.sort(rows, routed, packed, {0, packed.entries()});
  expert_passes_.run(out, path);
  expert_passes_.add_traffic(traffic_);
}

void CpuOperations::expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) {
  const PackedExperts& packed = weights_.experts(experts);
  const RoutedRows& routed = memory_.routing(routing);
  MOEBIUS_CHECK(x.x.cols == packed.dim && out.cols == packed.dim && routed.rows == x.x.rows);
  MOEBIUS_CHECK(out.rows == routed.rows * routed.slots);
  MOEBIUS_CHECK(range.first >= 0 && range.count >= 0 && range.first + range.count <= packed.entries());
  const auto rows = input_.prepare(x, packed.int8_in() ? InputRows::Form::kF32AndInt8 : InputRows::Form::kF32);
  expert_passes_.sort(rows, &routed, packed, range);
  expert_passes_.run_slots(out);
  expert_passes_.add_traffic(traffic_);
}

void CpuOperations::combine(const Output& out, Tensor slots, Routing routing) {
  const RoutedRows& routed = memory_.routing(routing);
  MOEBIUS_CHECK(out.x.rows == routed.rows && slots.rows == routed.rows * routed.slots && out.x.cols == slots.cols);
  const auto n = static_cast<size_t>(routed.slots);
  workers_.for_each(routed.rows, [&](int64_t t, int) {
    const float* said[kMaxSlots];
    for (size_t slot = 0; slot < n; ++slot) said[slot] = row(slots, t * routed.slots + static_cast<int64_t>(slot));
    const auto weights = std::span(routed.weights).subspan(static_cast<size_t>(t) * n, n);
    write_weighted_sum(out, t, weights, {said, n}, workers_.kernels);
  });
}

}  // namespace moebius::internal::cpu
