// N9: which experts a token takes. Logits by N2, the k largest by (logit descending, id ascending), weights summed in
// ascending id, the shared expert last.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "backend/reference/matmul.h"
#include "backend/reference/reference_backend.h"
#include "backend/reference/sums.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::reference {
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

// Softmax over the chosen logits, given in ascending id.
void softmax_chosen(std::span<float> weights, std::span<const float> chosen) {
  const float m = largest(chosen);
  float sum = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    weights[i] = fmath::exp(chosen[i] - m);
    sum += weights[i];
  }
  for (float& w : weights) w /= sum;
}

// Softmax over all E experts, of which the chosen are kept.
void softmax_all(std::span<float> weights, std::span<const float> chosen, std::span<const float> logits) {
  const float m = largest(logits);
  LaneSum sum;
  for (size_t e = 0; e < logits.size(); ++e) sum.add(static_cast<int64_t>(e), fmath::exp(logits[e] - m));
  const float total = sum.fold();
  for (size_t i = 0; i < chosen.size(); ++i) weights[i] = fmath::exp(chosen[i] - m) / total;
}

// ids [top_k] and weights [top_k] of one token.
void route(int32_t* ids, float* weights, std::span<const float> logits, const RouterArgs& args) {
  const std::vector<int32_t> best = top_k(logits, args.top_k);
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

// out.ids i32 [T, slots], out.weights [T, slots], x [T, D]
void ReferenceBackend::router(const Routing& out, Tensor x, const RouterArgs& args) {
  const bool has_shared = args.shared_gate.id >= 0;
  const int64_t slots = args.top_k + (has_shared ? 1 : 0);
  const StoredMatrix& w = matrix(args.router);
  check_shape(out.ids, x.rows, slots, DType::kI32);
  check_shape(out.weights, x.rows, slots);
  MOEBIUS_CHECK(w.rows() == args.experts && args.top_k >= 1 && args.top_k <= args.experts);
  MOEBIUS_CHECK(w.activations() == ActivationKind::kF32);

  const Activations activations(x.f32(), x.rows, x.cols);
  std::vector<float> logits(x.rows * args.experts);  // [T, E]
  matmul(logits.data(), activations, w, {0, w.rows()});
  traffic_.weights(w.bytes());
  for (int64_t t = 0; t < x.rows; ++t) {
    const std::span<const float> row(logits.data() + t * args.experts, static_cast<size_t>(args.experts));
    route(out.ids.i32() + t * slots, out.weights.row(t), row, args);
  }
  if (!has_shared) return;

  const StoredMatrix& gate = matrix(args.shared_gate);
  MOEBIUS_CHECK(gate.rows() == 1 && gate.activations() == ActivationKind::kF32);
  std::vector<float> shared(x.rows);  // [T, 1]
  matmul(shared.data(), activations, gate, {0, 1});
  traffic_.weights(gate.bytes());
  for (int64_t t = 0; t < x.rows; ++t) {
    out.ids.i32()[t * slots + args.top_k] = static_cast<int32_t>(args.experts);
    out.weights.row(t)[args.top_k] = fmath::sigmoid(shared[t]);
  }
}

}  // namespace moebius::reference
