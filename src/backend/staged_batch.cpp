// See staged_batch.h.
#include "backend/staged_batch.h"

#include <algorithm>

#include "backend/operations.h"
#include "base/check.h"

namespace moebius::internal {
namespace {

// Checks that the rows of the sequences follow each other without gaps. Returns how many rows there are.
int64_t covered_rows(std::span<const SequenceRows> sequences) {
  int64_t covered = 0;
  for (const SequenceRows& sequence : sequences) {
    MOEBIUS_CHECK(sequence.first_row == covered && sequence.rows >= 1 && sequence.position >= 0);
    const bool is_logged = sequence.log.id >= 0;
    MOEBIUS_CHECK(!is_logged || (sequence.log_row >= 0 && sequence.log_row + sequence.rows <= sequence.log.capacity));
    covered += sequence.rows;
  }
  return covered;
}

}  // namespace

void StagedBatch::reserve(const StepLimits& limits) {
  max_rows_ = limits.rows;
  max_sequences_ = limits.sequences;
  max_logit_rows_ = limits.logit_rows;
  tokens_.reserve(static_cast<size_t>(max_rows_));
  sequences_.reserve(static_cast<size_t>(max_sequences_));
  logit_rows_.reserve(static_cast<size_t>(max_logit_rows_));
}

Batch StagedBatch::stage(const BatchSpec& spec) {
  const int64_t rows = covered_rows(spec.sequences);
  MOEBIUS_CHECK(rows >= 1 && rows <= max_rows_ && std::ssize(spec.sequences) <= max_sequences_);
  MOEBIUS_CHECK(spec.tokens.empty() || std::ssize(spec.tokens) == rows);
  MOEBIUS_CHECK(std::ranges::all_of(spec.tokens, [](int32_t id) { return id >= 0; }));
  MOEBIUS_CHECK(std::ssize(spec.logit_rows) <= max_logit_rows_ && std::ranges::is_sorted(spec.logit_rows));
  MOEBIUS_CHECK(std::ranges::all_of(spec.logit_rows, [=](int32_t row) { return row >= 0 && row < rows; }));
  tokens_.assign(spec.tokens.begin(), spec.tokens.end());
  sequences_.assign(spec.sequences.begin(), spec.sequences.end());
  logit_rows_.assign(spec.logit_rows.begin(), spec.logit_rows.end());
  constexpr int32_t kIds = 1 << 30;  // ids repeat after so many batches, so that a service of months has enough
  handle_ = {.id = (handle_.id + 1) % kIds,
             .rows = rows,
             .sequences = std::ssize(sequences_),
             .logit_rows = std::ssize(logit_rows_)};
  return handle_;
}

const StagedBatch& StagedBatch::at(Batch batch) const {
  MOEBIUS_CHECK(batch.id >= 0 && batch.id == handle_.id);
  return *this;
}

}  // namespace moebius::internal
