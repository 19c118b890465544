// Counts how many bytes a cache holds, and how many it may hold. A page or a snapshot takes its bytes from the budget
// before it is made, and its destructor gives them back. The budget itself allocates no memory. Only one thread may use
// it: the engine runs its steps on one thread.
#pragma once

#include <cstdint>

namespace moebius::internal {

class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t limit_bytes);

  // Reserves the bytes and returns true. If they would exceed the limit, it reserves nothing and returns false.
  [[nodiscard]] bool try_reserve(int64_t bytes);
  // Gives reserved bytes back. The caller has a bug if it gives back more than it reserved.
  void release(int64_t bytes);

  [[nodiscard]] int64_t used() const { return used_bytes_; }
  [[nodiscard]] int64_t limit() const { return limit_bytes_; }
  [[nodiscard]] int64_t peak() const { return peak_bytes_; }  // the maximum of used() so far

 private:
  int64_t limit_bytes_;
  int64_t used_bytes_ = 0;
  int64_t peak_bytes_ = 0;
};

}  // namespace moebius::internal
