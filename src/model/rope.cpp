// RoPE angles. The reference (transformers) rounds to f32 at each step: exponent, power, reciprocal, blend, angle. This
// file rounds at the same steps, because at position 100,000 the last bit of an angle is 1e-3 of a turn. Each function
// (pow, cos, sin) is computed in double and rounded once.
#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moebius::internal {
namespace {

// The pair that makes this many turns over the trained length. It is a real number, between two pairs as a rule.
double pair_of_turns(double turns, const RopeSpec& rope, const Yarn& yarn) {
  const double length = static_cast<double>(yarn.original_positions) / (turns * 2 * std::numbers::pi);
  return static_cast<double>(rope.dim) * std::log(length) / (2 * std::log(rope.theta));
}

struct Blend {
  double first, last;  // pairs up to `first` keep their frequency; pairs from `last` on are divided by the factor
};

Blend blend_of(const RopeSpec& rope, const Yarn& yarn) {
  Blend blend{pair_of_turns(yarn.beta_fast, rope, yarn), pair_of_turns(yarn.beta_slow, rope, yarn)};
  if (yarn.truncate) blend = {std::floor(blend.first), std::ceil(blend.last)};
  blend = {std::max(blend.first, 0.0), std::min(blend.last, static_cast<double>(rope.dim - 1))};
  if (blend.first == blend.last) blend.last += 0.001;
  return blend;
}

// The frequency of pair i. power: theta^(2i / dim).
float yarn_frequency(int64_t pair, float power, const Blend& blend, double factor) {
  const float ramp =
      (static_cast<float>(pair) - static_cast<float>(blend.first)) / static_cast<float>(blend.last - blend.first);
  const float kept = 1.0f - std::clamp(ramp, 0.0f, 1.0f);
  const float divided = 1.0f / (static_cast<float>(factor) * power);
  return divided * (1.0f - kept) + 1.0f / power * kept;
}

}  // namespace

std::vector<float> rope_frequencies(const RopeSpec& rope) {
  const auto base = static_cast<double>(static_cast<float>(rope.theta));
  const Blend blend = rope.yarn ? blend_of(rope, *rope.yarn) : Blend{};
  std::vector<float> frequencies;
  for (int64_t i = 0; i < rope.dim; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(rope.dim);
    const auto power = static_cast<float>(std::pow(base, static_cast<double>(exponent)));
    frequencies.push_back(rope.yarn ? yarn_frequency(i / 2, power, blend, rope.yarn->factor) : 1.0f / power);
  }
  return frequencies;
}

std::vector<float> rope_table(int64_t positions, const RopeSpec& rope) {
  const std::vector<float> frequencies = rope_frequencies(rope);
  const float scale = rope.yarn ? static_cast<float>(rope.yarn->attention_factor) : 1.0f;
  const size_t half = frequencies.size();
  std::vector<float> table(static_cast<size_t>(positions) * 2 * half);
  for (int64_t position = 0; position < positions; ++position) {
    float* row = table.data() + static_cast<size_t>(position) * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(position) * frequencies[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle))) * scale;
      row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle))) * scale;
    }
  }
  return table;
}

}  // namespace moebius::internal
