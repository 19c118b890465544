// Hands out item numbers 0 .. n - 1 to the threads of a pool. Each thread begins with a contiguous range of its own, so
// that it streams through memory in order and can ask for the memory of the next item before it gets there. A thread
// whose range is empty takes the last item of another thread's range, so that a slow core holds nobody up.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace moebius::internal {

class WorkItems {
 public:
  explicit WorkItems(int threads) : ranges_(static_cast<size_t>(threads)) {}

  // Sets the items to 0 .. n - 1, with n < 2^32. Call it before the threads start.
  void reset(int64_t n) {
    const auto threads = static_cast<int64_t>(ranges_.size());
    for (int64_t t = 0; t < threads; ++t) {
      ranges_[static_cast<size_t>(t)].items.store(pack(n * t / threads, n * (t + 1) / threads),
                                                  std::memory_order_relaxed);
    }
  }

  // Returns the next item for this thread, or -1 when no thread has any left. Each item is handed out once.
  int64_t claim(int thread) {
    const size_t threads = ranges_.size();
    for (size_t i = 0; i < threads; ++i) {
      const int64_t item = take_from(ranges_[(static_cast<size_t>(thread) + i) % threads], i == 0);
      if (item >= 0) return item;
    }
    return -1;
  }

 private:
  struct alignas(64) Range {
    std::atomic<uint64_t> items{0};  // 32 bits each: the first item, and one past the last
  };

  static uint64_t pack(int64_t first, int64_t last) {
    return static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(last);
  }

  static int64_t take_from(Range& range, bool from_the_front) {
    uint64_t seen = range.items.load(std::memory_order_relaxed);
    while (true) {
      const auto first = static_cast<int64_t>(seen >> 32);
      const auto last = static_cast<int64_t>(seen & 0xffffffff);
      if (first >= last) return -1;
      const uint64_t rest = from_the_front ? pack(first + 1, last) : pack(first, last - 1);
      if (range.items.compare_exchange_weak(seen, rest, std::memory_order_relaxed)) {
        return from_the_front ? first : last - 1;
      }
    }
  }

  std::vector<Range> ranges_;
};

}  // namespace moebius::internal
