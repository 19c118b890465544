// A batch is what a step works on: the tokens of all its rows, and the sequences that they continue. A batch is staged
// once a step, so that positions, page tables and token ids reach a device together. The operations of the step take
// the handle.
#pragma once

#include <cstdint>
#include <span>

#include "backend/state.h"

namespace moebius::internal {

// Rows [first_row, first_row + rows) of a batch continue one sequence at `position`.
struct SequenceRows {
  State state;
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;  // of the first row: the number of tokens that the state has seen
  bool draft = false;    // true: keep() decides how many rows stay, before the next step of this state
  DeltaLog log = {};     // records the inputs of the delta layers; id -1: nothing is recorded
  int64_t log_row = 0;   // row of `log` that takes the first row
};

struct BatchSpec {
  std::span<const int32_t> tokens;          // [T]; empty for a replay, which reads its rows from logs
  std::span<const SequenceRows> sequences;  // cover [0, T) without gaps, in order
  std::span<const int32_t> logit_rows;      // rows that need logits, ascending; may be empty
};

// The handle of a staged batch. Operations::stage() makes it; it is valid until the next call of stage().
struct Batch {
  int32_t id = -1;
  int64_t rows = 0;  // T
  int64_t sequences = 0;
  int64_t logit_rows = 0;
};

}  // namespace moebius::internal
