// What follows a step: tokens are drawn from its logits, and drafts that were not drawn are taken back.
#include "backend/reference/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::reference {

void ReferenceOperations::sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                                 std::span<SequenceDraws> draws) {
  const std::span<const SequenceRows> all = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences && draws.size() == sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const SequenceSampling& sampling = sequences[i];
    MOEBIUS_CHECK(sampling.first_logit >= 0 && sampling.first_logit + sampling.rows <= logits.rows);
    const Tensor rows = logits.slice(sampling.first_logit, sampling.rows);
    draw_sequence(draws[i], {f32(rows), static_cast<size_t>(rows.rows * rows.cols)}, sampling);
    i32(kept)[sampling.sequence] = static_cast<int32_t>(kept_rows(all[sampling.sequence].rows, sampling, draws[i]));
  }
}

void ReferenceOperations::keep(Batch batch, Tensor kept) {
  const std::span<const SequenceRows> sequences = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences);
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].draft) memory_.state(sequences[i].state).keep(i32(kept)[i]);
  }
}

}  // namespace moebius::internal::reference
