// What a sequence keeps between steps: keys and values of the full-attention layers, convolution rows and S of the
// linear ones; and the handles to it.
#pragma once

#include <cstdint>

#include "backend/shapes.h"
#include "base/dtype.h"

namespace moebius::internal {

// Handles, made and understood by one backend. A state is the caches of one sequence.
struct State {
  int32_t id = -1;
};
// Keys and values of kPagePositions positions, in all attention layers. Several states may see one page; a page that
// more than one sees is only read.
struct KvPage {
  int32_t id = -1;
};
// What the delta layers took in of up to `capacity` tokens, row by row: a snapshot of a state and the log of the tokens
// behind it make the state of any of those tokens, bit for bit and without a weight being read
// (Operations::replay_delta_net).
struct DeltaLog {
  int32_t id = -1;
  int64_t capacity = 0;
};

// Positions of a page, and where it begins: a multiple of them. The block of N7.
inline constexpr int64_t kPagePositions = 256;

struct StateSpec {
  int64_t context = 0;           // positions whose pages the state makes and owns; 0: its pages come by set_pages()
  DType kv_dtype = DType::kF32;  // kF32 or kF16
  int64_t attention_layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t delta_layers = 0;
  DeltaShape delta;
  int64_t draft_rows = 0;  // most rows of a step that can be taken back (SequenceRows::draft)

  // Of one head's keys, or values, of one layer in a page.
  [[nodiscard]] int64_t block_bytes() const { return kPagePositions * head_dim * size_bytes(kv_dtype); }
  [[nodiscard]] int64_t page_bytes() const { return attention_layers * 2 * kv_heads * block_bytes(); }
  // Pages that the state owns: `context` positions, rounded up to whole pages.
  [[nodiscard]] int64_t pages() const { return (context + kPagePositions - 1) / kPagePositions; }
  [[nodiscard]] int64_t kv_bytes() const { return pages() * page_bytes(); }
  // Of one delta layer: S, convolution rows, and what draft rows need beside them.
  [[nodiscard]] int64_t s_elements() const { return delta.value_dim() * delta.key_head_dim; }
  [[nodiscard]] int64_t conv_elements() const { return (delta.conv_kernel - 1) * delta.conv_dim(); }
  [[nodiscard]] int64_t draft_elements() const {
    const int64_t row = delta.conv_dim() + delta.key_dim() + delta.value_dim() + delta.value_heads;
    return draft_rows == 0 ? 0 : s_elements() + draft_rows * row;
  }
  [[nodiscard]] int64_t recurrent_bytes() const {
    return delta_layers * (s_elements() + conv_elements() + draft_elements()) * 4;
  }
  // Of a log of so many tokens: what the convolution and the two gates take in, in every layer.
  [[nodiscard]] int64_t log_bytes(int64_t capacity) const {
    return delta_layers * capacity * (delta.conv_dim() + 2 * delta.value_heads) * 4;
  }
};

}  // namespace moebius::internal
