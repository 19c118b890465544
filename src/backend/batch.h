// What a step works on: the tokens of all its rows, and the sequences that they continue. It is staged once a step, so
// that positions, page tables and token ids reach a device together; the operations of the step take the handle.
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
  int64_t position = 0;  // of the first row: tokens that the state has seen
  bool draft = false;    // the rows may be taken back: keep() comes before the next step of this state
  DeltaLog log = {};     // keeps what the delta layers take in, from its row log_row on; id -1: nothing is kept
  int64_t log_row = 0;
};

struct BatchSpec {
  std::span<const int32_t> tokens;          // [T]; none for a replay, whose rows are in logs
  std::span<const SequenceRows> sequences;  // cover [0, T) without gaps, in order
  std::span<const int32_t> logit_rows;      // rows whose logits are wanted, ascending; may be empty
};

// Made by Operations::stage(), and valid until the next call of it.
struct Batch {
  int32_t id = -1;
  int64_t rows = 0;  // T
  int64_t sequences = 0;
  int64_t logit_rows = 0;
};

}  // namespace moebius::internal
