// What the CPU backend keeps of a sequence: pages of keys and values, convolution rows and S of the delta layers, and
// the records of a step of draft rows.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/state.h"

namespace moebius::internal::cpu {

// The records that a step of draft rows leaves in one delta layer. They suffice to keep any number of the rows.
struct DraftedLayer {
  int64_t rows = 0;  // draft rows of the step; 0: no draft is pending
  Buffer recurrent;  // the state behind the last row
  Buffer inputs;     // [rows, conv_dim] of the convolution
  Buffer k;          // [Hk, rows, Dk], normed
  Buffer d;          // [Hv, rows, Dv rounded up to 16]
  Buffer decay;      // [Hv, rows]
};

struct SequenceState {
  explicit SequenceState(const StateSpec& from);
  void reset();

  StateSpec spec;
  std::vector<uint8_t*> pages;       // the address of each page
  Buffer own_pages;                  // the pages of `context` positions that the state owns, one behind the other
  std::vector<Buffer> conv;          // per delta layer [conv_kernel - 1, conv_dim]
  std::vector<Buffer> recurrent;     // per delta layer [Hv, Dv / 16 rounded up, Dk, 16]
  std::vector<DraftedLayer> drafts;  // per delta layer, when the spec asks for draft rows

  // The number of positions that the pages have room for.
  [[nodiscard]] int64_t positions() const {
    return spec.context > 0 ? spec.context : static_cast<int64_t>(pages.size()) * kPagePositions;
  }
};

// The layout of a page: [layers][keys, then values][kv_heads][kPagePositions, head_dim]. A head reads a block of N7 in
// one stream. key_block() and value_block() give the bytes from the page's begin to the keys and values of one head.
inline int64_t key_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return (2 * layer * spec.kv_heads + head) * spec.block_bytes();
}
inline int64_t value_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return key_block(spec, layer, head) + spec.kv_heads * spec.block_bytes();
}

// Copies the keys and values of positions [0, seen) again and again, up to `positions`.
void repeat_context(const SequenceState& state, int64_t seen, int64_t positions);

}  // namespace moebius::internal::cpu
