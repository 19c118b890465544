// The experts of an MoE layer: SwiGLU of every expert on the tokens that chose it, and their weighted sum (N9). Experts
// are visited in ascending id, the shared one last, so each token's sum is in ascending id too. The three expert paths
// of a fast backend are ways to schedule this; here there is one.
#include <algorithm>
#include <vector>

#include "backend/reference/matmul.h"
#include "backend/reference/reference_backend.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::reference {
namespace {

// A token that an expert serves, and the expert's share of its result.
struct Assignment {
  int64_t row;
  float weight;
};

// [E + 1]: per expert its tokens, ascending.
std::vector<std::vector<Assignment>> assignments(const Routing& routing, const StoredExperts& table) {
  const int64_t entries = table.routed.count + table.shared.count;
  std::vector<std::vector<Assignment>> tokens(entries);
  for (int64_t t = 0; t < routing.ids.rows; ++t) {
    int64_t previous = -1;
    for (int64_t slot = 0; slot < routing.ids.cols; ++slot) {
      const int32_t id = routing.ids.i32()[t * routing.ids.cols + slot];
      MOEBIUS_CHECK(id > previous && id < entries);
      previous = id;
      tokens[id].push_back({t, routing.weights.row(t)[slot]});
    }
  }
  return tokens;
}

// [n, D]: the rows of x [T, D] that an expert serves.
std::vector<float> gather(const Tensor& x, const std::vector<Assignment>& tokens) {
  std::vector<float> rows(tokens.size() * x.cols);
  for (size_t i = 0; i < tokens.size(); ++i) std::copy_n(x.row(tokens[i].row), x.cols, rows.begin() + i * x.cols);
  return rows;
}

// [n, D] = down(silu(gate x) * up x) of one expert, x [n, D].
std::vector<float> swiglu(const std::vector<float>& x, int64_t dim, const StoredExpertGroup& group, int64_t expert) {
  const int64_t n = static_cast<int64_t>(x.size()) / dim;
  const RowRange hidden_rows{expert * group.width, group.width};
  const Activations input(x.data(), n, dim);
  std::vector<float> h(n * group.width);   // [n, F]
  std::vector<float> up(n * group.width);  // [n, F]
  matmul(h.data(), input, group.gate, hidden_rows);
  matmul(up.data(), input, group.up, hidden_rows);
  for (size_t i = 0; i < h.size(); ++i) h[i] = fmath::silu(h[i]) * up[i];

  std::vector<float> out(n * dim);
  matmul(out.data(), Activations(h.data(), n, group.width), group.down, {expert * dim, dim});
  return out;
}

}  // namespace

// out [T, D], x [T, D], routing [T, slots]
void ReferenceBackend::experts(Tensor out, Tensor x, const Routing& routing, Experts experts, ExpertPath /*path*/) {
  const StoredExperts& table = expert_table(experts);
  check_shape(out, x.rows, table.dim);
  check_shape(x, out.rows, table.dim);
  check_shape(routing.ids, x.rows, routing.ids.cols, DType::kI32);
  check_shape(routing.weights, x.rows, routing.ids.cols);
  std::fill_n(out.f32(), out.rows * out.cols, 0.0f);
  const std::vector<std::vector<Assignment>> served = assignments(routing, table);
  int64_t distinct_routed = 0;
  for (int64_t e = 0; e < static_cast<int64_t>(served.size()); ++e) {
    const std::vector<Assignment>& tokens = served[e];
    if (tokens.empty()) continue;
    const bool is_shared = e == table.routed.count;
    const StoredExpertGroup& group = is_shared ? table.shared : table.routed;
    const std::vector<float> y = swiglu(gather(x, tokens), table.dim, group, is_shared ? 0 : e);
    for (size_t i = 0; i < tokens.size(); ++i) {
      float* row = out.row(tokens[i].row);
      for (int64_t d = 0; d < table.dim; ++d) row[d] = fmath::fma(tokens[i].weight, y[i * table.dim + d], row[d]);
    }
    traffic_.weights(group.expert_bytes());
    distinct_routed += is_shared ? 0 : 1;
  }
  traffic_.expert_layer(distinct_routed);
}

}  // namespace moebius::reference
