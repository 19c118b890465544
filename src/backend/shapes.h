// The dimensions of layers, for operations and states. A shape of zeros stands for a layer that the model lacks.
#pragma once

#include <cstdint>

namespace moebius::internal {

struct AttentionShape {
  int64_t heads = 0;  // H, of queries
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t rotary_dim = 0;
  bool gated = false;  // queries come with an output gate: each head has its query, then its gate

  [[nodiscard]] int64_t query_cols() const { return heads * head_dim * (gated ? 2 : 1); }
  [[nodiscard]] int64_t kv_cols() const { return kv_heads * head_dim; }
  [[nodiscard]] int64_t out_cols() const { return heads * head_dim; }
};

// GatedDeltaNet: Hk key heads of Dk, Hv value heads of Dv.
struct DeltaShape {
  int64_t key_heads = 0;
  int64_t value_heads = 0;
  int64_t key_head_dim = 0;
  int64_t value_head_dim = 0;
  int64_t conv_kernel = 0;

  [[nodiscard]] int64_t key_dim() const { return key_heads * key_head_dim; }
  [[nodiscard]] int64_t value_dim() const { return value_heads * value_head_dim; }
  [[nodiscard]] int64_t conv_dim() const { return 2 * key_dim() + value_dim(); }  // channels: q, k, v
};

struct RouterShape {
  int64_t experts = 0;  // E
  int64_t top_k = 0;
  bool shared = false;  // a shared expert follows the routed ones

  [[nodiscard]] int64_t slots() const { return top_k + (shared ? 1 : 0); }
};

}  // namespace moebius::internal
