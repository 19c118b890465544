// RoPE angles. The reference rounds to f32 at each step (exponent, power, reciprocal, angle), and at position 100,000 a
// last bit of the angle is 1e-3 of a turn: so the same roundings here. Each function is taken in double and rounded
// once.
#include "model/rope.h"

#include <cmath>

namespace moebius {

std::vector<float> rope_frequencies(int64_t rotary_dim, double theta) {
  const auto base = static_cast<double>(static_cast<float>(theta));
  std::vector<float> frequencies;
  for (int64_t i = 0; i < rotary_dim; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(rotary_dim);
    frequencies.push_back(1.0f / static_cast<float>(std::pow(base, static_cast<double>(exponent))));
  }
  return frequencies;
}

std::vector<float> rope_table(int64_t positions, int64_t rotary_dim, double theta) {
  const std::vector<float> frequencies = rope_frequencies(rotary_dim, theta);
  const size_t half = frequencies.size();
  std::vector<float> table(static_cast<size_t>(positions) * 2 * half);
  for (int64_t position = 0; position < positions; ++position) {
    float* row = table.data() + static_cast<size_t>(position) * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(position) * frequencies[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
      row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  }
  return table;
}

}  // namespace moebius
