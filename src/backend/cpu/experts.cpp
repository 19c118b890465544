// Router and experts: which experts a token takes (N9), and the passes over their weights (expert_passes.h).
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::cpu {
namespace {

constexpr int64_t kMostSlots = 64;

// NaN counts as the lowest logit.
float order_of(float logit) { return logit == logit ? logit : -__builtin_inff(); }

// The k largest logits, ties to the lower id; ids ascending.
void select_top(int32_t* ids, const float* logits, int64_t experts, int64_t k) {
  float kept[kMostSlots];
  int64_t count = 0;
  for (int64_t e = 0; e < experts; ++e) {
    const float logit = order_of(logits[e]);
    if (count == k && !(logit > kept[k - 1])) continue;
    int64_t at = count < k ? count++ : k - 1;
    for (; at > 0 && logit > kept[at - 1]; --at) {
      kept[at] = kept[at - 1];
      ids[at] = ids[at - 1];
    }
    kept[at] = logit;
    ids[at] = static_cast<int32_t>(e);
  }
  std::sort(ids, ids + k);
}

// Sum of exp(logit - m) over all experts by N5.
float sum_of_exp(const float* logits, int64_t n, float m) {
  float lanes[16] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i % 16] += fmath::exp(logits[i] - m);
  for (int distance = 8; distance > 0; distance /= 2) {
    for (int l = 0; l < distance; ++l) lanes[l] += lanes[l + distance];
  }
  return lanes[0];
}

void weigh(float* weights, const int32_t* ids, const float* logits, const RouterArgs& args) {
  float m = -__builtin_inff();
  if (args.renormalize) {
    for (int64_t i = 0; i < args.top_k; ++i) m = std::max(m, order_of(logits[ids[i]]));
  } else {
    for (int64_t e = 0; e < args.experts; ++e) m = std::max(m, order_of(logits[e]));
  }
  float sum = 0;
  for (int64_t i = 0; i < args.top_k; ++i) {
    weights[i] = fmath::exp(logits[ids[i]] - m);
    sum += weights[i];
  }
  if (!args.renormalize) sum = sum_of_exp(logits, args.experts, m);
  for (int64_t i = 0; i < args.top_k; ++i) weights[i] /= sum;
}

}  // namespace

void CpuBackend::router(const Routing& out, Tensor x, const RouterArgs& args) {
  const bool shared = args.shared_gate.id >= 0;
  MOEBIUS_CHECK(args.top_k >= 1 && args.top_k <= kMostSlots && args.top_k <= args.experts);
  MOEBIUS_CHECK(out.ids.cols == args.top_k + (shared ? 1 : 0) && out.weights.cols == out.ids.cols);
  float* base = scratch(x.rows * (args.experts + 1));
  const Tensor logits = {base, DType::kF32, x.rows, args.experts};
  const Tensor shared_logits = {base + x.rows * args.experts, DType::kF32, x.rows, 1};
  const Projection projections[] = {{logits, args.router}, {shared_logits, args.shared_gate}};
  linear(std::span(projections, shared ? 2 : 1), x);
  for_each(x.rows, [&](int64_t row, int) {
    int32_t* ids = out.ids.i32() + row * out.ids.cols;
    float* weights = out.weights.row(row);
    select_top(ids, logits.row(row), args.experts, args.top_k);
    weigh(weights, ids, logits.row(row), args);
    if (!shared) return;
    ids[args.top_k] = static_cast<int32_t>(args.experts);
    weights[args.top_k] = fmath::sigmoid(*shared_logits.row(row));
  });
}

void CpuBackend::experts(Tensor out, Tensor x, const Routing& routing, Experts handle, ExpertPath path) {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(experts_.size()));
  const PackedExperts& packed = *experts_[static_cast<size_t>(handle.id)];
  MOEBIUS_CHECK(x.cols == packed.dim && out.cols == packed.dim && out.rows == x.rows && routing.ids.rows == x.rows);
  prepare_rows(x, packed.routed.int8_in || packed.shared.int8_in);
  expert_passes_->reserve(max_rows_ * routing.ids.cols, packed.routed.count + packed.shared.count,
                          std::max(packed.routed.width, packed.shared.width), packed.dim);
  expert_passes_->run(out, x_rows_.data(), routing, packed, path);
  traffic_.weight_bytes += expert_passes_->weight_bytes();
  traffic_.int8_macs += expert_passes_->int8_macs();
  traffic_.distinct_experts += expert_passes_->distinct_routed();
  traffic_.expert_layers += 1;
}

}  // namespace moebius::cpu
