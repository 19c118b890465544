// Implements the memory budget. Its sums cannot overflow, because the used bytes never exceed the limit.
#include "cache/memory_budget.h"

#include <algorithm>

#include "base/check.h"

namespace moebius::internal {

MemoryBudget::MemoryBudget(int64_t limit_bytes) : limit_bytes_(limit_bytes) { MOEBIUS_CHECK(limit_bytes >= 0); }

bool MemoryBudget::try_reserve(int64_t bytes) {
  MOEBIUS_CHECK(bytes >= 0);
  if (bytes > limit_bytes_ - used_bytes_) return false;
  used_bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, used_bytes_);
  return true;
}

void MemoryBudget::release(int64_t bytes) {
  MOEBIUS_CHECK(bytes >= 0 && bytes <= used_bytes_);
  used_bytes_ -= bytes;
}

}  // namespace moebius::internal
