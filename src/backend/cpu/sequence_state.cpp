// See sequence_state.h.
#include "backend/cpu/sequence_state.h"

#include <cstring>

#include "backend/cpu/kernels/kernel_table.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal::cpu {
namespace {

DraftedLayer make_drafted_layer(const StateSpec& spec) {
  const DeltaShape& delta = spec.delta;
  const int64_t rows = spec.draft_rows;
  const int64_t padded = round_up(delta.value_head_dim, kLanes);
  DraftedLayer draft;
  draft.recurrent = Buffer(delta.value_heads * delta.key_head_dim * padded * 4);
  draft.inputs = Buffer(rows * delta.conv_dim() * 4);
  draft.k = Buffer(rows * delta.key_dim() * 4);
  draft.d = Buffer(rows * delta.value_heads * padded * 4);
  draft.decay = Buffer(rows * delta.value_heads * 4);
  return draft;
}

}  // namespace

SequenceState::SequenceState(const StateSpec& from) : spec(from), own_pages(from.kv_bytes()) {
  for (int64_t i = 0; i < spec.pages(); ++i) pages.push_back(own_pages.data() + i * spec.page_bytes());
  const DeltaShape& delta = spec.delta;
  const int64_t padded = round_up(delta.value_head_dim, kLanes);
  for (int64_t i = 0; i < spec.delta_layers; ++i) {
    conv.emplace_back(spec.conv_elements() * 4);
    recurrent.emplace_back(delta.value_heads * delta.key_head_dim * padded * 4);
    if (spec.draft_rows > 0) drafts.push_back(make_drafted_layer(spec));
  }
}

void SequenceState::reset() {
  own_pages.clear();
  for (std::vector<Buffer>* buffers : {&conv, &recurrent}) {
    for (Buffer& buffer : *buffers) buffer.clear();
  }
  for (DraftedLayer& draft : drafts) draft.rows = 0;
}

void repeat_context(const SequenceState& state, int64_t seen, int64_t positions) {
  const StateSpec& spec = state.spec;
  MOEBIUS_CHECK(seen >= 1 && seen <= positions && positions <= state.positions());
  const int64_t row_bytes = spec.head_dim * size_bytes(spec.kv_dtype);
  const auto row = [&](int64_t block, int64_t position) {
    uint8_t* page = state.pages[static_cast<size_t>(position / kPagePositions)];
    return page + block * spec.block_bytes() + position % kPagePositions * row_bytes;
  };
  for (int64_t block = 0; block < spec.attention_layers * 2 * spec.kv_heads; ++block) {
    for (int64_t at = seen; at < positions; ++at) {
      std::memcpy(row(block, at), row(block, at - seen), static_cast<size_t>(row_bytes));
    }
  }
}

}  // namespace moebius::internal::cpu
