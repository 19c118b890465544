// What a sequence keeps between steps, and the handles to it: keys and values of the full-attention layers, convolution
// rows and S of the delta layers.
#pragma once

#include <cstdint>

#include "backend/shapes.h"
#include "base/dtype.h"

namespace moebius::internal {

// Handles, made and understood by one backend. A state is the caches of one sequence.
struct State {
  int32_t id = -1;
};
// Keys and values of kPagePositions positions, in all attention layers. Several states may share a page. A shared page
// is read-only.
struct KvPage {
  int32_t id = -1;
};
// A record of what the delta layers took in for up to `capacity` tokens, row by row. A snapshot of a state and the log
// of the tokens behind it give the state after any of those tokens, bit for bit and without reading weights
// (Operations::replay_delta_net).
struct DeltaLog {
  int32_t id = -1;
  int64_t capacity = 0;
};

// The number of positions in a page. A page begins at a multiple of it: a page is a block of N7.
inline constexpr int64_t kPagePositions = 256;

struct StateSpec {
  int64_t context = 0;           // positions whose pages the state makes and owns; 0: set_pages() gives it its pages
  DType kv_dtype = DType::kF32;  // kF32 or kF16
  int64_t attention_layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t delta_layers = 0;
  DeltaShape delta;
  int64_t draft_rows = 0;  // the largest number of rows of a step that can be taken back (SequenceRows::draft)

  // The bytes of the keys, or the values, of one head and one layer in a page.
  [[nodiscard]] int64_t block_bytes() const { return kPagePositions * head_dim * size_bytes(kv_dtype); }
  [[nodiscard]] int64_t page_bytes() const { return attention_layers * 2 * kv_heads * block_bytes(); }
  // The number of pages that the state owns: `context` positions, rounded up to whole pages.
  [[nodiscard]] int64_t pages() const { return (context + kPagePositions - 1) / kPagePositions; }
  [[nodiscard]] int64_t kv_bytes() const { return pages() * page_bytes(); }
  // The f32 elements of one delta layer: S, convolution rows, and what draft rows need beside them.
  [[nodiscard]] int64_t s_elements() const { return delta.value_dim() * delta.key_head_dim; }
  [[nodiscard]] int64_t conv_elements() const { return (delta.conv_kernel - 1) * delta.conv_dim(); }
  [[nodiscard]] int64_t draft_elements() const {
    const int64_t row = delta.conv_dim() + delta.key_dim() + delta.value_dim() + delta.value_heads;
    return draft_rows == 0 ? 0 : s_elements() + draft_rows * row;
  }
  [[nodiscard]] int64_t recurrent_bytes() const {
    return delta_layers * (s_elements() + conv_elements() + draft_elements()) * 4;
  }
  // The bytes of a log for `capacity` tokens: the inputs of the convolution and of the two gates, in every delta layer.
  [[nodiscard]] int64_t log_bytes(int64_t capacity) const {
    return delta_layers * capacity * (delta.conv_dim() + 2 * delta.value_heads) * 4;
  }
};

}  // namespace moebius::internal
