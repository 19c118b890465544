// The experts of an MoE layer: SwiGLU of every expert on the tokens that chose it, and their weighted sum (N9). The
// three expert paths of a fast backend only schedule this differently; this backend has a single path.
#include <algorithm>
#include <vector>

#include "backend/reference/matmul.h"
#include "backend/reference/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal::reference {
namespace {

// A token that an expert serves.
struct Assignment {
  int64_t row;       // t, the token
  int64_t slot_row;  // t * slots + s, if the expert is in slot s of the token
};

// The tokens of each entry of the expert table, ascending.
std::vector<std::vector<Assignment>> assignments(const StoredRouting& routing, const StoredExperts& table) {
  std::vector<std::vector<Assignment>> tokens(table.entries());
  for (int64_t t = 0; t < routing.rows(); ++t) {
    int64_t previous = -1;
    for (int64_t slot_row = t * routing.slots; slot_row < (t + 1) * routing.slots; ++slot_row) {
      const int32_t id = routing.ids[slot_row];
      MOEBIUS_CHECK(id > previous && id < table.entries());
      previous = id;
      tokens[id].push_back({t, slot_row});
    }
  }
  return tokens;
}

// [n, D]: the rows of x [T, D] that an expert serves.
std::vector<float> gather(const std::vector<float>& x, int64_t dim, const std::vector<Assignment>& tokens) {
  std::vector<float> rows(tokens.size() * dim);
  for (size_t i = 0; i < tokens.size(); ++i) std::copy_n(x.data() + tokens[i].row * dim, dim, rows.begin() + i * dim);
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

// The routing of a dense MLP: every row takes the only entry of the table, with weight 1.
StoredRouting route_to_the_one_entry(int64_t rows) {
  return {
      .max_rows = rows, .slots = 1, .ids = std::vector<int32_t>(rows, 0), .weights = std::vector<float>(rows, 1.0f)};
}

// out [T * slots, D]: the result of each chosen expert in the range; x [T, D].
Traffic fill_slots(float* out, const std::vector<float>& x, const StoredRouting& routing, const StoredExperts& table,
                   ExpertRange range) {
  Traffic traffic;
  traffic.expert_layers = 1;
  const std::vector<std::vector<Assignment>> served = assignments(routing, table);
  for (int64_t e = range.first; e < range.first + range.count; ++e) {
    const std::vector<Assignment>& tokens = served[e];
    if (tokens.empty()) continue;
    const bool is_shared = e == table.routed.count;
    const StoredExpertGroup& group = is_shared ? table.shared : table.routed;
    const std::vector<float> y = swiglu(gather(x, table.dim, tokens), table.dim, group, is_shared ? 0 : e);
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::copy_n(y.data() + i * table.dim, table.dim, out + tokens[i].slot_row * table.dim);
    }
    traffic.weight_bytes += group.expert_bytes();
    traffic.distinct_experts += is_shared ? 0 : 1;
  }
  return traffic;
}

// [T, D]: y = +0, then y = fma(p, out_e, y) in the order of the slots, which is the order of ascending ids.
std::vector<float> weighted_sums(const float* slots, const StoredRouting& routing, int64_t dim) {
  std::vector<float> y(routing.rows() * dim, 0.0f);
  for (int64_t slot_row = 0; slot_row < std::ssize(routing.ids); ++slot_row) {
    float* row = y.data() + slot_row / routing.slots * dim;
    for (int64_t d = 0; d < dim; ++d) row[d] = fmath::fma(routing.weights[slot_row], slots[slot_row * dim + d], row[d]);
  }
  return y;
}

}  // namespace

// out [T, D], x [T, D]
void ReferenceOperations::experts(const Output& out, const Input& x, Routing routing, Experts experts,
                                  ExpertPath /*path*/) {
  const StoredExperts& table = weights_.experts(experts);
  check_shape(out.x, x.x.rows, table.dim);
  const StoredRouting chosen = routing.id < 0 ? route_to_the_one_entry(x.x.rows) : memory_.routing(routing);
  MOEBIUS_CHECK(chosen.rows() == x.x.rows);
  std::vector<float> slots(chosen.ids.size() * table.dim);
  traffic_ += fill_slots(slots.data(), rows_of(x), chosen, table, {0, table.entries()});
  write_rows(out, weighted_sums(slots.data(), chosen, table.dim));
}

void ReferenceOperations::expert_slots(Tensor out, const Input& x, Routing routing, Experts experts,
                                       ExpertRange range) {
  const StoredExperts& table = weights_.experts(experts);
  const StoredRouting& chosen = memory_.routing(routing);
  MOEBIUS_CHECK(out.rows == std::ssize(chosen.ids) && out.cols == table.dim && chosen.rows() == x.x.rows);
  MOEBIUS_CHECK(range.first >= 0 && range.count >= 0 && range.first + range.count <= table.entries());
  traffic_ += fill_slots(f32(out), rows_of(x), chosen, table, range);
}

void ReferenceOperations::combine(const Output& out, Tensor slots, Routing routing) {
  const StoredRouting& chosen = memory_.routing(routing);
  check_shape(out.x, chosen.rows(), slots.cols);
  MOEBIUS_CHECK(slots.rows == std::ssize(chosen.ids));
  write_rows(out, weighted_sums(f32(slots), chosen, slots.cols));
}

}  // namespace moebius::internal::reference
