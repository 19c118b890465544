// What follows a step: tokens are drawn, and drafts that were not drawn are taken back. A step of draft rows leaves the
// old state untouched. It writes the new state elsewhere, and records k, d and decay of each row and the inputs of the
// convolution. If all rows stay, keep() takes the new state. Otherwise it advances the old state by the rows that stay:
// it replays their records with the expression of the delta rule (N8). No row needs a copy of the state, and the model
// does not run a second time.
#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/cpu/delta_net.h"
#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal::cpu {

void ConvHistory::advance(const float* inputs, int64_t taken) const {
  for (int64_t j = 0; j < length; ++j) {  // ascending, so that a row is read before it is overwritten
    const int64_t source = taken + j;     // row of [state; inputs]
    const float* from = source < length ? rows + source * channels : inputs + (source - length) * channels;
    if (taken > 0) std::memcpy(rows + j * channels + first, from + first, static_cast<size_t>(count) * 4);
  }
}

void CpuOperations::sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                           std::span<SequenceDraws> draws) {
  const std::span<const SequenceRows> all = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences && draws.size() == sequences.size());
  for (const SequenceSampling& sampling : sequences) {
    MOEBIUS_CHECK(sampling.first_logit >= 0 && sampling.first_logit + sampling.rows <= logits.rows);
    MOEBIUS_CHECK(sampling.sequence >= 0 && sampling.sequence < batch.sequences);
  }
  workers_.for_each(std::ssize(sequences), [&](int64_t i, int) {
    const SequenceSampling& sampling = sequences[static_cast<size_t>(i)];
    SequenceDraws& out = draws[static_cast<size_t>(i)];
    const Tensor rows = logits.slice(sampling.first_logit, sampling.rows);
    draw_sequence(out, {f32(rows), static_cast<size_t>(rows.rows * rows.cols)}, sampling);
    const int64_t all_rows = all[static_cast<size_t>(sampling.sequence)].rows;
    i32(kept)[sampling.sequence] = static_cast<int32_t>(kept_rows(all_rows, sampling, out));
  });
}

void CpuOperations::keep(Batch batch, Tensor kept) {
  const std::span<const SequenceRows> sequences = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences);
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (!sequences[i].draft) continue;
    MOEBIUS_CHECK(i32(kept)[i] >= 0 && i32(kept)[i] <= sequences[i].rows);
    keep_rows(memory_.state(sequences[i].state), i32(kept)[i]);
  }
}

void CpuOperations::replay_head(const SequenceState& s, size_t layer, int64_t head, int64_t rows) const {
  const DeltaShape& shape = s.spec.delta;
  const DraftedLayer& draft = s.drafts[layer];
  const int64_t padded = round_up(shape.value_head_dim, kLanes);
  const int64_t key_head = head / (shape.value_heads / shape.key_heads);
  workers_.kernels.delta_replay({.state = s.recurrent[layer].as<float>() + head * shape.key_head_dim * padded,
                                 .k = draft.k.as<float>() + key_head * draft.rows * shape.key_head_dim,
                                 .d = draft.d.as<float>() + head * draft.rows * padded,
                                 .decay = draft.decay.as<float>() + head * draft.rows,
                                 .rows = static_cast<int32_t>(rows),
                                 .dk = static_cast<int32_t>(shape.key_head_dim),
                                 .dv = static_cast<int32_t>(shape.value_head_dim)});
}

void CpuOperations::keep_rows(SequenceState& s, int64_t rows) {
  const StateSpec& spec = s.spec;
  const int64_t heads = spec.delta.value_heads;
  workers_.for_each(std::ssize(s.drafts) * heads, [&](int64_t item, int) {
    const auto layer = static_cast<size_t>(item / heads);
    if (rows < s.drafts[layer].rows) replay_head(s, layer, item % heads, rows);
  });
  for (size_t layer = 0; layer < s.drafts.size(); ++layer) {
    DraftedLayer& draft = s.drafts[layer];
    if (draft.rows == 0) continue;
    MOEBIUS_CHECK(rows <= draft.rows);
    if (rows == draft.rows) {
      std::swap(s.recurrent[layer], draft.recurrent);
    } else {
      traffic_.state_bytes += 2 * 4 * spec.s_elements();
    }
    const int64_t channels = spec.delta.conv_dim();
    const ConvHistory history = {s.conv[layer].as<float>(), spec.delta.conv_kernel - 1, channels, 0, channels};
    history.advance(draft.inputs.as<float>(), rows);
    draft.rows = 0;
  }
}

}  // namespace moebius::internal::cpu
