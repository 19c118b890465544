// How many bytes a cache may hold, and how many it holds: whoever makes a page or a checkpoint takes its bytes first,
// its destructor gives them back. Counts, and allocates nothing. For one thread: the engine steps on one.
#pragma once

#include <cstdint>

namespace moebius {

class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t limit_bytes);

  // False, and nothing is taken, when the limit would be passed.
  [[nodiscard]] bool try_take(int64_t bytes);
  // Gives back what was taken; more than that is a bug of the caller.
  void give(int64_t bytes);

  [[nodiscard]] int64_t used() const { return used_bytes_; }
  [[nodiscard]] int64_t limit() const { return limit_bytes_; }
  [[nodiscard]] int64_t peak() const { return peak_bytes_; }  // the most that was ever used

 private:
  int64_t limit_bytes_;
  int64_t used_bytes_ = 0;
  int64_t peak_bytes_ = 0;
};

}  // namespace moebius
