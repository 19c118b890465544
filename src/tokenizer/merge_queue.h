// The pairs of one long piece that may still be merged, lowest rank first, then leftmost.
// The queue is a radix heap over ranks. Its lowest bucket is one rank, sorted, and is walked in order. In a trained
// vocabulary a merge only makes pairs of higher ranks, so almost all work is sequential. (For 10 MB of one letter, a
// binary heap takes several times as long.) Other vocabularies can make pairs of a rank that was passed already; such
// pairs wait in a binary heap. The queue takes O(n log n) whatever the ranks.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

namespace moebius::internal {

struct PairAt {
  uint32_t rank;
  uint32_t at;
};

class MergeQueue {
 public:
  // Forgets what is left. Keeps the memory and the count of operations.
  void restart() {
    for (auto& bucket : buckets_) bucket.clear();
    current_.clear();
    next_ = 0;
    order_ = 0;
    late_ = {};
  }

  void push(PairAt pair) {
    const uint64_t key = key_of(pair);
    ++operations_;
    if (order_of(key) > order_) {
      buckets_[bucket_of(order_of(key))].push_back(key);
    } else {
      late_.push(key);
      operations_ += std::bit_width(late_.size());
    }
  }

  std::optional<PairAt> pop() {
    if (next_ == current_.size() && late_.empty() && !refill()) return std::nullopt;
    ++operations_;
    if (!late_.empty() && (next_ == current_.size() || late_.top() < current_[next_])) {
      const uint64_t key = late_.top();
      late_.pop();
      operations_ += std::bit_width(late_.size());
      return pair_of(key);
    }
    return pair_of(current_[next_++]);
  }

  // How often a pair was moved from place to place so far.
  [[nodiscard]] uint64_t operations() const { return operations_; }

 private:
  // A key is order and place. The order is the rank plus one, so before the first refill every pair comes later.
  static uint64_t key_of(PairAt pair) { return ((uint64_t{pair.rank} + 1) << 32U) | pair.at; }
  static uint32_t order_of(uint64_t key) { return static_cast<uint32_t>(key >> 32U); }
  static PairAt pair_of(uint64_t key) { return {order_of(key) - 1, static_cast<uint32_t>(key)}; }
  // The bucket is the highest bit in which an order differs from the current one.
  [[nodiscard]] size_t bucket_of(uint32_t order) const { return static_cast<size_t>(std::bit_width(order ^ order_)); }

  // Makes the lowest rank that waits in a bucket the current one. Returns false when no pair waits there.
  bool refill() {
    auto bucket = std::find_if(buckets_.begin(), buckets_.end(), [](const auto& keys) { return !keys.empty(); });
    if (bucket == buckets_.end()) return false;
    order_ = order_of(*std::min_element(bucket->begin(), bucket->end()));
    current_.clear();
    next_ = 0;
    for (const uint64_t key : *bucket) {
      const uint32_t order = order_of(key);
      (order == order_ ? current_ : buckets_[bucket_of(order)]).push_back(key);
    }
    operations_ += bucket->size();
    bucket->clear();
    if (!std::is_sorted(current_.begin(), current_.end())) {
      std::sort(current_.begin(), current_.end());
      operations_ += current_.size() * static_cast<uint64_t>(std::bit_width(current_.size()));
    }
    return true;
  }

  std::array<std::vector<uint64_t>, 33> buckets_;
  std::vector<uint64_t> current_;  // all keys of order_, ascending; those before next_ are done
  size_t next_ = 0;
  uint32_t order_ = 0;
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> late_;
  uint64_t operations_ = 0;
};

}  // namespace moebius::internal
