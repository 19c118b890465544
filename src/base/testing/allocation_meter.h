// Counts what operator new holds, so that a test can say how much memory an input cost: resident memory would depend on
// the allocator and on the tests before. Linking this replaces operator new of the program.
#pragma once

#include <cstddef>

namespace moebius::internal {

// Highest sum of live allocations since construction, less what lived then. One at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  [[nodiscard]] size_t peak_bytes() const;

 private:
  size_t before_bytes_;
};

}  // namespace moebius::internal
