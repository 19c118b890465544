// The probability of a token as an integer: e^x in units of 2^-40, for x = (logit - largest) / temperature. Integers
// add up to the same sum in any order, so where a filter cuts and which token is drawn depends on no algorithm, no
// vector width and no thread. A token less likely than 2^-41 of the likeliest weighs 0. A vocabulary of 2^18 thus loses
// less than 2^-23 of the whole, one rounding of an f32 softmax.
// fmath::exp is too slow here: its fma is a call where the compiler may not assume the instruction. It takes 5.2 ms for
// the 248,320 tokens of a vocabulary; these functions take 0.4 ms.
#pragma once

#include <bit>
#include <cstdint>

#include "base/fmath.h"

namespace moebius::internal {

inline constexpr int kWeightBits = 40;
inline constexpr uint64_t kTopWeight = uint64_t{1} << kWeightBits;  // weight of the likeliest token
inline constexpr float kNoWeight = -29.0f;                          // at and below, the weight is 0
inline constexpr int64_t kMaxWeights = int64_t{1} << 23;            // this many weights add up without overflow

// Takes kNoWeight <= x <= 0. There is no branch, no call and no fma: compilers make vectors of it for the oldest
// x86-64.
inline uint64_t weight_in_range(float x) {
  constexpr float kToInteger = 0x1.8p23f;  // added to a small float, leaves its nearest integer in the low bits
  constexpr double kToInteger64 = 0x1.8p52;
  const float shifted = x * fmath::kLog2E + kToInteger;
  const int32_t n = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kToInteger);
  const float whole = shifted - kToInteger;
  const float r = (x - whole * fmath::kLn2High) - whole * fmath::kLn2Low;
  float p = fmath::kExpPolynomial[0];
  for (int i = 1; i < 6; ++i) p = p * r + fmath::kExpPolynomial[i];
  const float y = (p * (r * r) + r) + 1.0f;
  const float value = y * std::bit_cast<float>((n + 127) << 23);
  const double units = static_cast<double>(value) * static_cast<double>(kTopWeight) + kToInteger64;
  return std::bit_cast<uint64_t>(units) - std::bit_cast<uint64_t>(kToInteger64);
}

inline float in_weight_range(float x) { return x > kNoWeight ? x : kNoWeight; }

inline uint64_t weight_of(float x) { return weight_in_range(in_weight_range(x)); }

}  // namespace moebius::internal
