// What the CPU backend keeps of a sequence: pages of keys and values, convolution rows and S of the delta layers, and
// what a step of draft rows leaves of them.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/state.h"

namespace moebius::internal::cpu {

// What a step of draft rows leaves of one delta layer: everything that it takes to keep any number of them.
struct DraftedLayer {
  int64_t rows = 0;  // of the step; 0: none is pending
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
  std::vector<uint8_t*> pages;       // where each begins
  Buffer own_pages;                  // those of `context` positions, one behind the other
  std::vector<Buffer> conv;          // per delta layer [conv_kernel - 1, conv_dim]
  std::vector<Buffer> recurrent;     // per delta layer [Hv, Dv / 16 rounded up, Dk, 16]
  std::vector<DraftedLayer> drafts;  // per delta layer, when the spec asks for draft rows

  // That keys and values have room for.
  [[nodiscard]] int64_t positions() const {
    return spec.context > 0 ? spec.context : static_cast<int64_t>(pages.size()) * kPagePositions;
  }
};

// A page: [layers][keys, then values][kv_heads][kPagePositions, head_dim], so that a head reads a block of N7 in one
// stream. From the page's begin to the block of one head's keys; those of its values are kv_heads blocks on.
inline int64_t key_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return (2 * layer * spec.kv_heads + head) * spec.block_bytes();
}
inline int64_t value_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return key_block(spec, layer, head) + spec.kv_heads * spec.block_bytes();
}

// Keys and values of positions [0, seen) again and again up to `positions`.
void repeat_context(const SequenceState& state, int64_t seen, int64_t positions);

}  // namespace moebius::internal::cpu
