// The table of pairs, and merging in both forms.
#include "tokenizer/merges.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"

namespace moebius::internal {
namespace {

// Up to this length, looking through all pairs is quicker than filling a queue. Limits of 16 and 64 are just as fast,
// as far as can be measured.
constexpr size_t kShortBytes = 32;
constexpr uint32_t kNowhere = UINT32_MAX;

// Folds both halves of the product into one, so that every bit of the key reaches the low bits.
uint64_t mixed(uint64_t key, uint64_t seed) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(key ^ seed) * (seed | 1U);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
}

}  // namespace

Merges::Merges(const std::vector<Merge>& list, const std::array<int32_t, 256>& byte_ids)
    : seed_(secret_seed()), byte_ids_(byte_ids) {
  slots_.resize(std::bit_ceil(2 * list.size() + 1));
  result_of_rank_.reserve(list.size());
  for (const Merge& merge : list) {
    const auto merge_rank = static_cast<uint32_t>(result_of_rank_.size());
    result_of_rank_.push_back(merge.result);
    size_t at = first_slot(merge.left, merge.right);
    while (slots_[at].left >= 0 && !(slots_[at].left == merge.left && slots_[at].right == merge.right)) {
      at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = {merge.left, merge.right, merge_rank};
  }
}

size_t Merges::first_slot(int32_t left, int32_t right) const {
  const uint64_t key = (static_cast<uint64_t>(left) << 32U) | static_cast<uint32_t>(right);
  return mixed(key, seed_) & (slots_.size() - 1);
}

uint32_t Merges::rank(int32_t left, int32_t right) const {
  for (size_t at = first_slot(left, right); slots_[at].left >= 0; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].left == left && slots_[at].right == right) return slots_[at].rank;
  }
  return kNoRank;
}

void Merges::apply(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const {
  if (piece.size() <= kShortBytes) return apply_short(piece, scratch, out);
  fill(piece, scratch);
  while (const std::optional<PairAt> pair = scratch.queue.pop()) {
    // The entry is stale when either side has been merged since. The pair that stands there now was offered by itself.
    if (scratch.symbols[pair->at].rank == pair->rank) join(pair->at, scratch);
  }
  for (uint32_t at = 0; at != kNowhere; at = scratch.symbols[at].next) out.push_back(scratch.symbols[at].id);
}

void Merges::apply_short(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const {
  std::array<int32_t, kShortBytes> ids;
  std::array<uint32_t, kShortBytes> ranks;  // ranks[i] is the rank of the pair (ids[i], ids[i + 1])
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i) ids[i] = byte_ids_[static_cast<uint8_t>(piece[i])];
  for (size_t i = 0; i + 1 < count; ++i) ranks[i] = rank(ids[i], ids[i + 1]);
  while (count > 1) {
    scratch.short_operations += count;
    const auto* lowest = std::min_element(ranks.data(), ranks.data() + count - 1);
    if (*lowest == kNoRank) break;
    const auto at = static_cast<size_t>(lowest - ranks.data());
    ids[at] = result_of_rank_[*lowest];
    std::copy(ids.data() + at + 2, ids.data() + count, ids.data() + at + 1);
    std::copy(ranks.data() + at + 1, ranks.data() + count - 1, ranks.data() + at);
    --count;
    if (at + 1 < count) ranks[at] = rank(ids[at], ids[at + 1]);
    if (at > 0) ranks[at - 1] = rank(ids[at - 1], ids[at]);
  }
  out.insert(out.end(), ids.data(), ids.data() + count);
}

// Makes one symbol for each byte, and offers every pair that can be merged.
void Merges::fill(std::string_view piece, MergeScratch& scratch) const {
  const auto count = static_cast<uint32_t>(piece.size());
  scratch.symbols.resize(count);
  for (uint32_t at = 0; at < count; ++at) {
    scratch.symbols[at] = {byte_ids_[static_cast<uint8_t>(piece[at])], at == 0 ? kNowhere : at - 1,
                           at + 1 == count ? kNowhere : at + 1, kNoRank};
  }
  scratch.queue.restart();
  for (uint32_t at = 0; at < count; ++at) offer(at, scratch);
}

// Replaces the pair that begins at `at` by what it merges to.
void Merges::join(uint32_t at, MergeScratch& scratch) const {
  MergeScratch::Symbol& left = scratch.symbols[at];
  MergeScratch::Symbol& right = scratch.symbols[left.next];
  left.id = result_of_rank_[left.rank];
  left.next = right.next;
  right.rank = kNoRank;
  if (left.next != kNowhere) scratch.symbols[left.next].previous = at;
  offer(at, scratch);
  if (left.previous != kNowhere) offer(left.previous, scratch);
}

void Merges::offer(uint32_t at, MergeScratch& scratch) const {
  MergeScratch::Symbol& symbol = scratch.symbols[at];
  symbol.rank = symbol.next == kNowhere ? kNoRank : rank(symbol.id, scratch.symbols[symbol.next].id);
  if (symbol.rank != kNoRank) scratch.queue.push({symbol.rank, at});
}

}  // namespace moebius::internal
