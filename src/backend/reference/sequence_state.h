// The caches of one sequence: keys and values by position (N7), convolution rows and S of the delta rule (N8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "backend/state.h"

namespace moebius::internal::reference {

class SequenceState {
 public:
  explicit SequenceState(const StateSpec& spec);

  [[nodiscard]] const StateSpec& spec() const { return spec_; }
  void reset();
  // Records the draft rows of a step, layer by layer. The caller calls begin_draft() before the first row of a layer,
  // and end_draft_row() after each row. keep() then sets every layer back to its state behind the last row that stays.
  // The record is a copy of the state after each row, which is the plainest way.
  void begin_draft(int64_t layer);
  void end_draft_row(int64_t layer);
  void keep(int64_t rows);
  void copy_recurrent(const SequenceState& from);
  [[nodiscard]] bool has_draft() const { return !drafts_.empty(); }
  void repeat(int64_t seen, int64_t positions);
  // Each page has spec().page_bytes() bytes.
  void set_pages(std::vector<std::byte*> pages);
  // The number of positions that the pages have room for.
  [[nodiscard]] int64_t positions() const {
    return spec_.context > 0 ? spec_.context : static_cast<int64_t>(pages_.size()) * kPagePositions;
  }

  struct Slot {
    int64_t layer, position, head;
  };
  // The key and value [head_dim] of one head. Storing rounds to the dtype of the cache; loading widens to f32.
  void store_key(const Slot& slot, const float* key) { store(row_of(Half::kKeys, slot), key); }
  void store_value(const Slot& slot, const float* value) { store(row_of(Half::kValues, slot), value); }
  void load_key(float* key, const Slot& slot) const { load(key, row_of(Half::kKeys, slot)); }
  void load_value(float* value, const Slot& slot) const { load(value, row_of(Half::kValues, slot)); }
  // The bytes of the keys and values of `positions` positions in one layer.
  [[nodiscard]] int64_t kv_bytes(int64_t positions) const {
    return positions * spec_.kv_heads * spec_.head_dim * 2 * size_bytes(spec_.kv_dtype);
  }

  // [conv_kernel - 1, conv_dim]: the last inputs of the convolution, oldest first.
  float* conv_rows(int64_t layer) { return conv_.data() + layer * spec_.conv_elements(); }
  // S [Dk, Dv] of one value head.
  float* s(int64_t layer, int64_t head) { return s_.data() + layer * spec_.s_elements() + head * head_elements(); }
  // The bytes of the convolution rows and S of one layer.
  [[nodiscard]] int64_t recurrent_bytes() const {
    return (spec_.conv_elements() + spec_.s_elements()) * static_cast<int64_t>(sizeof(float));
  }

 private:
  enum class Half : uint8_t { kKeys, kValues };
  [[nodiscard]] std::byte* row_of(Half half, const Slot& slot) const;
  void store(std::byte* cached, const float* row) const;
  void load(float* row, const std::byte* cached) const;
  [[nodiscard]] std::vector<float> recurrent_copy(int64_t layer) const;
  [[nodiscard]] int64_t head_elements() const { return spec_.delta.key_head_dim * spec_.delta.value_head_dim; }

  StateSpec spec_;
  std::vector<std::byte*> pages_;     // each [layers, keys then values, kPagePositions, K, head_dim] of kv_dtype
  std::vector<std::byte> own_pages_;  // the pages of `context` positions that the state owns, one behind the other
  std::vector<float> conv_;           // [layers, conv_kernel - 1, conv_dim]
  std::vector<float> s_;              // [layers, Hv, Dk, Dv]
  std::map<int64_t, std::vector<std::vector<float>>>
      drafts_;  // by layer: copies of the convolution rows and S, before the first row and after each row
};

}  // namespace moebius::internal::reference
