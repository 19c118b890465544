// Counts the bytes that operator new holds, so that a test can say how much memory an input cost. Resident memory would
// depend on the allocator and on the tests before. Linking this file replaces operator new of the program.
#pragma once

#include <cstddef>

namespace moebius::internal {

// Measures the highest sum of live allocations since construction, less the sum at construction. Only one meter may
// exist at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  [[nodiscard]] size_t peak_bytes() const;

 private:
  size_t before_bytes_;
};

}  // namespace moebius::internal
