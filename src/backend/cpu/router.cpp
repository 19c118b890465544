// The router decides which experts a row takes, and with which weights (N9).
#include <algorithm>
#include <cmath>

#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal::cpu {
namespace {

// NaN counts as the lowest logit.
float order_of(float logit) { return logit == logit ? logit : -__builtin_inff(); }

// Selects the k largest logits. Ties go to the lower id. The ids are written in ascending order.
void select_top(int32_t* ids, const float* logits, int64_t experts, int64_t k) {
  float kept[kMaxSlots];
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

// The sum of exp(logit - m) over all experts, by N5.
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
    for (int64_t i = 0; i < args.shape.top_k; ++i) m = std::max(m, order_of(logits[ids[i]]));
  } else {
    for (int64_t e = 0; e < args.shape.experts; ++e) m = std::max(m, order_of(logits[e]));
  }
  float sum = 0;
  for (int64_t i = 0; i < args.shape.top_k; ++i) {
    weights[i] = fmath::exp(logits[ids[i]] - m);
    sum += weights[i];
  }
  if (!args.renormalize) sum = sum_of_exp(logits, args.shape.experts, m);
  for (int64_t i = 0; i < args.shape.top_k; ++i) weights[i] /= sum;
}

}  // namespace

void CpuOperations::router(Routing out, const Input& x, const RouterArgs& args) {
  const RouterShape& shape = args.shape;
  const int64_t rows = x.x.rows;
  RoutedRows& routed = memory_.routing(out);
  MOEBIUS_CHECK(shape.top_k >= 1 && shape.slots() <= kMaxSlots && shape.top_k <= shape.experts);
  MOEBIUS_CHECK(rows <= routed.max_rows && shape.slots() == routed.slots);
  const Tensor both = scratch(rows, shape.experts + 1);
  const Tensor logits = both.shaped(rows, shape.experts);
  const Tensor shared_logits = f32_tensor(f32(both) + rows * shape.experts, rows, 1);
  const Projection projections[] = {{{logits}, args.router}, {{shared_logits}, args.shared_gate}};
  linear(std::span(projections, shape.shared ? 2 : 1), x);
  routed.rows = rows;
  workers_.for_each(rows, [&](int64_t t, int) {
    int32_t* ids = routed.ids.data() + t * shape.slots();
    float* weights = routed.weights.data() + t * shape.slots();
    select_top(ids, row(logits, t), shape.experts, shape.top_k);
    weigh(weights, ids, row(logits, t), args);
    if (!shape.shared) return;
    ids[shape.top_k] = static_cast<int32_t>(shape.experts);
    weights[shape.top_k] = fmath::sigmoid(*row(shared_logits, t));
  });
}

}  // namespace moebius::internal::cpu
