// The host's copy of a batch, checked when it is staged: what backends keep behind the handle.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/batch.h"

namespace moebius::internal {

struct StepLimits;

class StagedBatch {
 public:
  // After this, staging allocates nothing.
  void reserve(const StepLimits& limits);
  // Fails for a batch beyond the limits, with gaps or overlaps, or with rows that it does not have.
  Batch stage(const BatchSpec& spec);

  // The batch behind the handle; fails when another one was staged since.
  [[nodiscard]] const StagedBatch& at(Batch batch) const;
  [[nodiscard]] std::span<const int32_t> tokens() const { return tokens_; }
  [[nodiscard]] std::span<const SequenceRows> sequences() const { return sequences_; }
  [[nodiscard]] std::span<const int32_t> logit_rows() const { return logit_rows_; }
  [[nodiscard]] Batch handle() const { return handle_; }

 private:
  int64_t max_rows_ = 0;
  int64_t max_sequences_ = 0;
  int64_t max_logit_rows_ = 0;
  std::vector<int32_t> tokens_;
  std::vector<SequenceRows> sequences_;
  std::vector<int32_t> logit_rows_;
  Batch handle_;
};

}  // namespace moebius::internal
