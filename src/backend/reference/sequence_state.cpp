// Storage of SequenceState. The maths on it is in attention.cpp and delta_net.cpp.
#include "backend/reference/sequence_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace moebius::internal::reference {

SequenceState::SequenceState(const StateSpec& spec) : spec_(spec) {
  MOEBIUS_CHECK(spec.kv_dtype == DType::kF32 || spec.kv_dtype == DType::kF16);
  MOEBIUS_CHECK(spec.context >= 0 && spec.attention_layers >= 0 && spec.delta_layers >= 0);
  MOEBIUS_CHECK(spec.delta_layers == 0 || spec.delta.conv_kernel >= 1);
  own_pages_.resize(spec.kv_bytes());
  for (int64_t i = 0; i < spec.pages(); ++i) pages_.push_back(own_pages_.data() + i * spec.page_bytes());
  if (spec.delta_layers > 0) {
    conv_.resize(spec.delta_layers * spec.conv_elements());
    s_.resize(spec.delta_layers * spec.s_elements());
  }
}

void SequenceState::reset() {
  // Keys and values need no reset: positions that are not yet written are never read.
  std::fill(conv_.begin(), conv_.end(), 0.0f);
  std::fill(s_.begin(), s_.end(), 0.0f);
  drafts_.clear();
}

std::vector<float> SequenceState::recurrent_copy(int64_t layer) const {
  const auto conv = conv_.begin() + layer * spec_.conv_elements();
  const auto s = s_.begin() + layer * spec_.s_elements();
  std::vector<float> copy(conv, conv + spec_.conv_elements());
  copy.insert(copy.end(), s, s + spec_.s_elements());
  return copy;
}

void SequenceState::begin_draft(int64_t layer) { drafts_[layer] = {recurrent_copy(layer)}; }

void SequenceState::end_draft_row(int64_t layer) { drafts_[layer].push_back(recurrent_copy(layer)); }

void SequenceState::keep(int64_t rows) {
  for (const auto& [layer, copies] : drafts_) {
    MOEBIUS_CHECK(rows >= 0 && rows < static_cast<int64_t>(copies.size()));
    const std::vector<float>& kept = copies[static_cast<size_t>(rows)];
    std::copy_n(kept.begin(), spec_.conv_elements(), conv_rows(layer));
    std::copy(kept.begin() + spec_.conv_elements(), kept.end(), s(layer, 0));
  }
  drafts_.clear();
}

void SequenceState::copy_recurrent(const SequenceState& from) {
  MOEBIUS_CHECK(!has_draft() && !from.has_draft());
  MOEBIUS_CHECK(conv_.size() == from.conv_.size() && s_.size() == from.s_.size());
  conv_ = from.conv_;
  s_ = from.s_;
}

void SequenceState::repeat(int64_t seen, int64_t positions) {
  std::vector<float> row(static_cast<size_t>(spec_.head_dim));
  for (int64_t layer = 0; layer < spec_.attention_layers; ++layer) {
    for (int64_t position = seen; position < positions; ++position) {
      for (int64_t head = 0; head < spec_.kv_heads; ++head) {
        load_key(row.data(), {layer, position % seen, head});
        store_key({layer, position, head}, row.data());
        load_value(row.data(), {layer, position % seen, head});
        store_value({layer, position, head}, row.data());
      }
    }
  }
}

void SequenceState::set_pages(std::vector<std::byte*> pages) {
  MOEBIUS_CHECK(spec_.context == 0);
  pages_ = std::move(pages);
}

std::byte* SequenceState::row_of(Half half, const Slot& slot) const {
  MOEBIUS_CHECK(slot.layer < spec_.attention_layers && slot.position < positions() && slot.head < spec_.kv_heads);
  const int64_t plane = 2 * slot.layer + (half == Half::kKeys ? 0 : 1);
  const int64_t row = (plane * kPagePositions + slot.position % kPagePositions) * spec_.kv_heads + slot.head;
  return pages_[slot.position / kPagePositions] + row * spec_.head_dim * size_bytes(spec_.kv_dtype);
}

void SequenceState::store(std::byte* cached, const float* row) const {
  for (int64_t d = 0; d < spec_.head_dim; ++d) store_f32(cached, spec_.kv_dtype, d, row[d]);
}

void SequenceState::load(float* row, const std::byte* cached) const {
  for (int64_t d = 0; d < spec_.head_dim; ++d) row[d] = load_f32(cached, spec_.kv_dtype, d);
}

}  // namespace moebius::internal::reference
