// Sums along a vector (N5). There are sixteen lanes; lane l takes elements l, l + 16, ... ascending from +0. A lane
// without an element stays +0. Then the lanes fold: l += l + 8, l + 4, l + 2, l + 1. A 512-bit register has this order.
#pragma once

#include <cstdint>

#include "base/fmath.h"

namespace moebius::internal::reference {

class LaneSum {
 public:
  void add(int64_t i, float x) { lanes_[i % 16] += x; }
  void add_product(int64_t i, float x, float y) { lanes_[i % 16] = fmath::fma(x, y, lanes_[i % 16]); }

  [[nodiscard]] float fold() {
    for (int half = 8; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) lanes_[l] += lanes_[l + half];
    }
    return lanes_[0];
  }

 private:
  float lanes_[16] = {};
};

// The sum of x[i] * y[i] over n elements.
inline float dot(const float* x, const float* y, int64_t n) {
  LaneSum sum;
  for (int64_t i = 0; i < n; ++i) sum.add_product(i, x[i], y[i]);
  return sum.fold();
}

inline float sum_of_squares(const float* x, int64_t n) { return dot(x, x, n); }

}  // namespace moebius::internal::reference
