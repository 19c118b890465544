// The host's copy of a batch, which backends keep behind the handle. It is checked when it is staged.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/batch.h"

namespace moebius::internal {

struct StepLimits;

class StagedBatch {
 public:
  // Allocates for batches within the limits, so that staging allocates nothing.
  void reserve(const StepLimits& limits);
  // Fails for a batch that exceeds the limits, whose rows have gaps or overlaps, or whose logit_rows name missing rows.
  Batch stage(const BatchSpec& spec);

  // The batch behind the handle. Fails if another batch was staged since.
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
