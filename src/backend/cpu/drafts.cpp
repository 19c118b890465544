// Draft rows: a step computes them beside the state, and keep_rows() brings the state up to those that stay, by the
// records of the step: k, d and decay of each row replayed with the expression of the delta rule (N8), inputs of the
// convolution. No copy of the state a row, no second run of the model.
#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/cpu/delta_net.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::cpu {

DraftedLayer make_drafted_layer(const StateSpec& spec) {
  const int64_t rows = spec.draft_rows;
  const int64_t padded = round_up(spec.value_head_dim, kLanes);
  DraftedLayer draft;
  draft.recurrent = Buffer(spec.value_heads * spec.key_head_dim * padded * 4);
  draft.inputs = Buffer(rows * spec.conv_dim * 4);
  draft.k = Buffer(rows * spec.key_dim() * 4);
  draft.d = Buffer(rows * spec.value_heads * padded * 4);
  draft.decay = Buffer(rows * spec.value_heads * 4);
  return draft;
}

void ConvHistory::advance(const float* inputs, int64_t taken) const {
  for (int64_t j = 0; j < length; ++j) {  // ascending: a row is read before it is written over
    const int64_t source = taken + j;     // in [state; inputs]
    const float* from = source < length ? rows + source * channels : inputs + (source - length) * channels;
    if (taken > 0) std::memcpy(rows + j * channels + first, from + first, static_cast<size_t>(count) * 4);
  }
}

void CpuBackend::replay_head(SequenceState& s, size_t layer, int64_t head, int64_t rows) const {
  const StateSpec& spec = s.spec;
  const DraftedLayer& draft = s.drafts[layer];
  const int64_t padded = round_up(spec.value_head_dim, kLanes);
  const int64_t key_head = head / (spec.value_heads / (spec.key_dim() / spec.key_head_dim));
  kernels_->delta_replay({.state = s.recurrent[layer].as<float>() + head * spec.key_head_dim * padded,
                          .k = draft.k.as<float>() + key_head * draft.rows * spec.key_head_dim,
                          .d = draft.d.as<float>() + head * draft.rows * padded,
                          .decay = draft.decay.as<float>() + head * draft.rows,
                          .rows = static_cast<int32_t>(rows),
                          .dk = static_cast<int32_t>(spec.key_head_dim),
                          .dv = static_cast<int32_t>(spec.value_head_dim)});
}

void CpuBackend::keep_rows(State handle, int64_t rows) {
  SequenceState& s = state(handle);
  const StateSpec& spec = s.spec;
  for_each(static_cast<int64_t>(s.drafts.size()) * spec.value_heads, [&](int64_t item, int) {
    const auto layer = static_cast<size_t>(item / spec.value_heads);
    if (rows < s.drafts[layer].rows) replay_head(s, layer, item % spec.value_heads, rows);
  });
  for (size_t layer = 0; layer < s.drafts.size(); ++layer) {
    DraftedLayer& draft = s.drafts[layer];
    if (draft.rows == 0) continue;
    MOEBIUS_CHECK(rows >= 0 && rows <= draft.rows);
    if (rows == draft.rows) {
      std::swap(s.recurrent[layer], draft.recurrent);
    } else {
      traffic_.state_bytes += 2 * 4 * spec.s_elements();
    }
    const ConvHistory history = {s.conv[layer].as<float>(), spec.conv_kernel - 1, spec.conv_dim, 0, spec.conv_dim};
    history.advance(draft.inputs.as<float>(), rows);
    draft.rows = 0;
  }
}

}  // namespace moebius::cpu
