// Draws the tokens of one sequence in a step: one for each of its rows of logits, row after row, as long as each is the
// token that was drafted there. This defines the draws of a backend: the cpu calls it, and a device must give the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sample/sampler.h"
#include "sample/token_counts.h"
#include "sample/token_mask.h"

namespace moebius::internal {

// A draw from the rows of logits [first_logit, first_logit + rows) of a step.
struct SequenceSampling {
  int64_t sequence = 0;  // index in the batch
  int64_t first_logit = 0;
  int64_t rows = 1;
  Sampler* sampler = nullptr;            // has the options of the sequence; its memory is reused
  const TokenCounts* history = nullptr;  // counts all tokens before the drafts
  // The tokens behind those of the history. The first row stands behind all but the last rows - 1 of them, and each
  // further row behind one more. Verification has a draft for each row but the first. A draft head has one row, behind
  // all drafts.
  std::span<const int32_t> drafts = {};
  int64_t position = 0;                   // of the token that the first row draws, from the start of the sequence
  std::span<const TokenMask> masks = {};  // one a row; when empty, every row allows every token
};

struct SequenceDraws {
  std::vector<Draw> draws = {};  // those of accepted drafts, then one that was not drafted
  int64_t accepted = 0;          // how many drafts were drawn
  bool is_finite = true;         // false: the row behind the draws has logits that are NaN or infinite
};

// logits: [rows, V], of this sequence alone. The memory of `out` is reused.
void draw_sequence(SequenceDraws& out, std::span<const float> logits, const SequenceSampling& sampling);

// Returns how many of all rows of a sequence in the step stay: all but the drafts that were not drawn.
inline int64_t kept_rows(int64_t all_rows, const SequenceSampling& sampling, const SequenceDraws& draws) {
  return all_rows - (sampling.rows - 1) + draws.accepted;
}

}  // namespace moebius::internal
