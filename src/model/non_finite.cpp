// The search runs the tokens again, which costs a prefill. Only a sequence that is lost anyway pays it. The rejected
// option is to watch every step, which would read each residual back from the device.
#include "model/non_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/finite.h"

namespace moebius::internal {
namespace {

std::optional<int64_t> first_non_finite_row(Backend& backend, Tensor residual) {
  std::vector<float> values(static_cast<size_t>(residual.rows * residual.cols));
  backend.memory().read(values.data(), residual);
  for (int64_t row = 0; row < residual.rows; ++row) {
    if (!all_finite({values.data() + row * residual.cols, static_cast<size_t>(residual.cols)})) return row;
  }
  return std::nullopt;
}

}  // namespace

std::string find_non_finite(Model& model, Backend& backend, State state, std::span<const int32_t> tokens) {
  backend.memory().reset_state(state);
  std::string found;
  int64_t position = 0;
  const LayerObserver observer = [&](int64_t layer, Tensor residual) {
    if (!found.empty()) return;
    const auto row = first_non_finite_row(backend, residual);
    if (!row) return;
    const LayerKind kind = model.config().layer_kinds[static_cast<size_t>(layer)];
    found = fmt::format("layer {} ({}), token {}", layer,
                        kind == LayerKind::kFullAttention ? "full attention" : "linear attention", position + *row);
  };
  while (found.empty() && position < static_cast<int64_t>(tokens.size())) {
    const int64_t rows = std::min(model.options().max_rows, static_cast<int64_t>(tokens.size()) - position);
    const SequenceRows sequence{state, 0, rows, position};
    const auto chunk = tokens.subspan(static_cast<size_t>(position), static_cast<size_t>(rows));
    model.forward(backend.operations().stage({.tokens = chunk, .sequences = {&sequence, 1}, .logit_rows = {}}),
                  observer);
    position += rows;
  }
  return found.empty() ? "the final norm or the head" : found;
}

std::string find_non_finite(Model& model, Backend& backend, std::span<const int32_t> tokens) {
  const State state = backend.memory().create_state(model.state_spec());
  std::string found = find_non_finite(model, backend, state, tokens);
  backend.memory().free_state(state);
  return found;
}

}  // namespace moebius::internal
