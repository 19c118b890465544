// There is one table for each length of n-gram. Every new token searches and updates all tables. A proposal therefore
// only copies tokens.
#include "speculate/ngram_index.h"

#include <algorithm>

#include "base/check.h"

namespace moebius::internal {

// Strangers choose the tokens, and they can choose n-grams that collide. This only slows down their own request,
// because every sequence has its own tables.
uint64_t NgramIndex::hash(int64_t end, int64_t length) const {
  uint64_t value = 0;
  for (int64_t i = end - length; i < end; ++i) {
    value = (value ^ static_cast<uint32_t>(tokens_[i])) * 0x9E3779B97F4A7C15u;
    value ^= value >> 32;
  }
  return value;
}

bool NgramIndex::equal(int64_t end, int64_t other_end, int64_t length) const {
  const auto begin = tokens_.begin() + end - length;
  return std::equal(begin, begin + length, tokens_.begin() + other_end - length);
}

size_t NgramIndex::find_slot(const Table& table, int64_t end, int64_t length) const {
  const size_t mask = table.slots.size() - 1;
  size_t slot = hash(end, length) & mask;
  while (table.slots[slot] != 0 && !equal(end, table.slots[slot], length)) slot = (slot + 1) & mask;
  return slot;
}

void NgramIndex::grow_table(Table& table, int64_t length) const {
  constexpr size_t kFirstSlots = 64;
  const std::vector<uint32_t> old = std::move(table.slots);
  table.slots.assign(std::max(kFirstSlots, old.size() * 2), 0);
  for (const uint32_t end : old) {
    if (end != 0) table.slots[find_slot(table, end, length)] = end;
  }
}

int64_t NgramIndex::replace_end(Table& table, int64_t end, int64_t length) {
  if ((table.used + 1) * 2 > table.slots.size()) grow_table(table, length);
  uint32_t& slot = table.slots[find_slot(table, end, length)];
  if (slot == 0) ++table.used;
  const int64_t earlier = slot;
  slot = static_cast<uint32_t>(end);
  return earlier;
}

void NgramIndex::append(int32_t token) {
  MOEBIUS_CHECK(size() < INT32_MAX);
  tokens_.push_back(token);
  match_length_ = 0;
  for (int64_t length = kMinLength; length <= std::min(kMaxLength, size()); ++length) {
    const int64_t earlier = replace_end(tables_[length - kMinLength], size(), length);
    if (earlier == 0) continue;
    match_end_ = earlier;
    match_length_ = length;
  }
}

std::vector<int32_t> NgramIndex::propose(int64_t max_tokens) const {
  std::vector<int32_t> proposal;
  if (match_length_ == 0) return proposal;
  const int64_t period = size() - match_end_;
  for (int64_t i = 0; i < max_tokens; ++i) {
    proposal.push_back(i < period ? tokens_[match_end_ + i] : proposal[i - period]);
  }
  return proposal;
}

}  // namespace moebius::internal
