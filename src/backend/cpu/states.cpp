// Caches of sequences: keys and values in pages, convolution rows and S of the delta layers. Draft rows: drafts.cpp.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "backend/cpu/delta_net.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::cpu {
namespace {

// Handles are indices; those of what was freed are given out again.
template <typename T>
int32_t store_in_free_slot(std::vector<std::unique_ptr<T>>& slots, std::unique_ptr<T> value) {
  auto slot = std::ranges::find_if(slots, [](const std::unique_ptr<T>& taken) { return taken == nullptr; });
  if (slot == slots.end()) slot = slots.insert(slots.end(), nullptr);
  *slot = std::move(value);
  return static_cast<int32_t>(slot - slots.begin());
}

template <typename T>
T& stored(const std::vector<std::unique_ptr<T>>& slots, int32_t id) {
  MOEBIUS_CHECK(id >= 0 && id < static_cast<int32_t>(slots.size()));
  MOEBIUS_CHECK(slots[static_cast<size_t>(id)] != nullptr);
  return *slots[static_cast<size_t>(id)];
}

}  // namespace

State CpuBackend::create_state(const StateSpec& spec) {
  auto state = std::make_unique<SequenceState>();
  state->spec = spec;
  state->own_pages = Buffer(spec.kv_bytes());
  for (int64_t i = 0; i < spec.pages(); ++i) {
    state->pages.push_back(state->own_pages.data() + i * spec.page_bytes());
  }
  const int64_t stride = round_up(spec.value_head_dim, kLanes);
  for (int64_t i = 0; i < spec.delta_layers; ++i) {
    state->conv.emplace_back((spec.conv_kernel - 1) * spec.conv_dim * 4);
    state->recurrent.emplace_back(spec.value_heads * spec.key_head_dim * stride * 4);
    if (spec.draft_rows > 0) state->drafts.push_back(make_drafted_layer(spec));
  }
  return {store_in_free_slot(states_, std::move(state))};
}

SequenceState& CpuBackend::state(State handle) { return stored(states_, handle.id); }

void CpuBackend::reset_state(State handle) {
  SequenceState& s = state(handle);
  s.own_pages.clear();
  for (std::vector<Buffer>* buffers : {&s.conv, &s.recurrent}) {
    for (Buffer& buffer : *buffers) buffer.clear();
  }
  for (DraftedLayer& draft : s.drafts) draft.rows = 0;
}

void CpuBackend::repeat_context(State handle, int64_t seen, int64_t positions) {
  const SequenceState& s = state(handle);
  const StateSpec& spec = s.spec;
  MOEBIUS_CHECK(seen >= 1 && seen <= positions && positions <= s.positions());
  const int64_t row_bytes = spec.head_dim * size_bytes(spec.kv_dtype);
  const auto row = [&](int64_t block, int64_t position) {
    uint8_t* page = s.pages[static_cast<size_t>(position / kPagePositions)];
    return page + block * spec.block_bytes() + position % kPagePositions * row_bytes;
  };
  for (int64_t block = 0; block < spec.attention_layers * 2 * spec.kv_heads; ++block) {
    for (int64_t at = seen; at < positions; ++at) {
      std::memcpy(row(block, at), row(block, at - seen), static_cast<size_t>(row_bytes));
    }
  }
}

void CpuBackend::copy_recurrent(State to, State from) {
  SequenceState& target = state(to);
  const SequenceState& source = state(from);
  MOEBIUS_CHECK(target.recurrent.size() == source.recurrent.size());
  const auto layers = static_cast<int64_t>(source.recurrent.size());
  for_each(2 * layers, [&](int64_t item, int) {
    const auto layer = static_cast<size_t>(item / 2);
    const Buffer& out = item % 2 == 0 ? target.recurrent[layer] : target.conv[layer];
    const Buffer& in = item % 2 == 0 ? source.recurrent[layer] : source.conv[layer];
    MOEBIUS_CHECK(out.bytes() == in.bytes());
    if (in.bytes() > 0) std::memcpy(out.data(), in.data(), static_cast<size_t>(in.bytes()));
  });
}

void CpuBackend::free_state(State handle) {
  state(handle);
  states_[static_cast<size_t>(handle.id)].reset();
}

// ---- pages

KvPage CpuBackend::create_page(const StateSpec& spec) {
  return {store_in_free_slot(pages_, std::make_unique<Buffer>(spec.page_bytes()))};
}

const Buffer& CpuBackend::page(KvPage handle) const { return stored(pages_, handle.id); }

void CpuBackend::copy_page(KvPage to, KvPage from) {
  const Buffer& target = page(to);
  const Buffer& source = page(from);
  MOEBIUS_CHECK(target.bytes() == source.bytes() && to.id != from.id);
  if (source.bytes() > 0) std::memcpy(target.data(), source.data(), static_cast<size_t>(source.bytes()));
}

void CpuBackend::free_page(KvPage handle) {
  page(handle);
  pages_[static_cast<size_t>(handle.id)].reset();
}

void CpuBackend::set_pages(State handle, std::span<const KvPage> pages) {
  SequenceState& s = state(handle);
  MOEBIUS_CHECK(s.spec.context == 0);
  s.pages.clear();
  for (const KvPage& handle_of_page : pages) {
    const Buffer& memory = page(handle_of_page);
    MOEBIUS_CHECK(memory.bytes() == s.spec.page_bytes());
    s.pages.push_back(memory.data());
  }
}

}  // namespace moebius::cpu
