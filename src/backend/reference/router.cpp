// The router decides which experts a token takes (N9). Logits follow N2. The k largest are taken by (logit descending,
// id ascending). Weights are summed in ascending id; the shared expert is last.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "backend/reference/matmul.h"
#include "backend/reference/operations.h"
#include "backend/reference/sums.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

bool is_nan(float x) { return x != x; }

// NaN ranks below everything, so that a broken row still routes to k distinct experts; its weights are NaN.
bool ranks_before(std::span<const float> logits, int32_t a, int32_t b) {
  const float x = logits[a];
  const float y = logits[b];
  if (is_nan(x) != is_nan(y)) return is_nan(y);
  if (x > y || x < y) return x > y;
  return a < b;
}

// The k best ids, ascending.
std::vector<int32_t> top_k(std::span<const float> logits, int64_t k) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return ranks_before(logits, a, b); });
  ids.resize(k);
  std::sort(ids.begin(), ids.end());
  return ids;
}

float largest(std::span<const float> logits) {
  float m = -std::numeric_limits<float>::infinity();
  for (const float x : logits) m = x > m ? x : m;
  return m;
}

// Softmax over the chosen logits, which come in ascending id.
void softmax_chosen(std::span<float> weights, std::span<const float> chosen) {
  const float m = largest(chosen);
  float sum = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    weights[i] = fmath::exp(chosen[i] - m);
    sum += weights[i];
  }
  for (float& w : weights) w /= sum;
}

// Softmax over all E experts. Only the weights of the chosen experts are kept.
void softmax_all(std::span<float> weights, std::span<const float> chosen, std::span<const float> logits) {
  const float m = largest(logits);
  LaneSum sum;
  for (size_t e = 0; e < logits.size(); ++e) sum.add(static_cast<int64_t>(e), fmath::exp(logits[e] - m));
  const float total = sum.fold();
  for (size_t i = 0; i < chosen.size(); ++i) weights[i] = fmath::exp(chosen[i] - m) / total;
}

// Writes ids [top_k] and weights [top_k] of one token.
void route(int32_t* ids, float* weights, std::span<const float> logits, const RouterArgs& args) {
  const std::vector<int32_t> best = top_k(logits, args.shape.top_k);
  std::copy(best.begin(), best.end(), ids);
  std::vector<float> chosen(best.size());
  for (size_t i = 0; i < best.size(); ++i) chosen[i] = logits[best[i]];
  const std::span<float> out(weights, best.size());
  if (args.renormalize) {
    softmax_chosen(out, chosen);
  } else {
    softmax_all(out, chosen, logits);
  }
}

}  // namespace

// x [T, D]
void ReferenceOperations::router(Routing out, const Input& x, const RouterArgs& args) {
  const RouterShape& shape = args.shape;
  const StoredMatrix& w = weights_.matrix(args.router);
  StoredRouting& routing = memory_.routing(out);
  const int64_t rows = x.x.rows;
  const int64_t slots = shape.slots();
  MOEBIUS_CHECK(rows <= routing.max_rows && slots == routing.slots);
  MOEBIUS_CHECK(w.rows() == shape.experts && shape.top_k >= 1 && shape.top_k <= shape.experts);
  MOEBIUS_CHECK(w.activations() == ActivationKind::kF32);

  const std::vector<float> input = rows_of(x);
  const Activations activations(input.data(), rows, x.x.cols);
  std::vector<float> logits(rows * shape.experts);  // [T, E]
  matmul(logits.data(), activations, w, {0, w.rows()});
  traffic_.weight_bytes += w.bytes();
  routing.ids.resize(rows * slots);
  routing.weights.resize(rows * slots);
  for (int64_t t = 0; t < rows; ++t) {
    const std::span<const float> row(logits.data() + t * shape.experts, static_cast<size_t>(shape.experts));
    route(routing.ids.data() + t * slots, routing.weights.data() + t * slots, row, args);
  }
  if (!shape.shared) return;

  const StoredMatrix& gate = weights_.matrix(args.shared_gate);
  MOEBIUS_CHECK(gate.rows() == 1 && gate.activations() == ActivationKind::kF32);
  std::vector<float> shared(rows);  // [T, 1]
  matmul(shared.data(), activations, gate, {0, 1});
  traffic_.weight_bytes += gate.bytes();
  for (int64_t t = 0; t < rows; ++t) {
    routing.ids[t * slots + shape.top_k] = static_cast<int32_t>(shape.experts);
    routing.weights[t * slots + shape.top_k] = fmath::sigmoid(shared[t]);
  }
}

}  // namespace moebius::internal::reference
