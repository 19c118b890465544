// exp, log1p and the functions built on them (N1, N6). Each uses one polynomial, writes every fma out and never calls
// libm, so that the scalar form here and the 16-lane form of the CPU kernels (cpu/kernels/math.h) agree bit for bit on
// every machine. The polynomials are from S. Moshier, Cephes (expf, logf). The functions are `static` on purpose: a
// file compiled for AVX-512 keeps its own copies.
#pragma once

#include <cstdint>
#include <cstring>

namespace moebius::internal::fmath {

static constexpr float kLog2E = 1.44269504088896341f;
static constexpr float kLn2High = 0.693359375f;  // 9 bits: n * kLn2High is exact
static constexpr float kLn2Low = -2.12194440e-4f;
static constexpr float kExpMin = -110.0f;  // exp(x) is 0 for x < kExpMin and infinity for x > kExpMax
static constexpr float kExpMax = 100.0f;
static constexpr float kExpPolynomial[6] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                            4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
static constexpr float kLogPolynomial[9] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                            -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                            2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
static constexpr float kSqrtHalf = 0.707106781186547524f;

static inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// 2^n for -126 <= n <= 127.
static inline float power_of_two(int32_t n) {
  const uint32_t bits = static_cast<uint32_t>(n + 127) << 23;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// e^x, within 1.02 ulp; exp(0) is exactly 1, NaN stays NaN, subnormal results are exact to rounding.
static inline float exp(float x) {
  x = x > kExpMax ? kExpMax : x;  // NaN passes both clamps
  x = x < kExpMin ? kExpMin : x;
  const float n = __builtin_rintf(x * kLog2E);
  float r = fma(n, -kLn2High, x);
  r = fma(n, -kLn2Low, r);
  float p = kExpPolynomial[0];
  for (int i = 1; i < 6; ++i) p = fma(p, r, kExpPolynomial[i]);
  const float y = fma(p, r * r, r) + 1.0f;
  if (n != n) return n;
  const auto exponent = static_cast<int32_t>(n);
  const int32_t half = exponent >> 1;  // two factors: the result may be subnormal or infinite, a factor may not
  return y * power_of_two(half) * power_of_two(exponent - half);
}

// ln(s) for normal s > 0.
static inline float log(float s) {
  uint32_t bits = 0;
  std::memcpy(&bits, &s, sizeof bits);
  auto e = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
  bits = (bits & 0x007fffffu) | 0x3f000000u;  // mantissa in [0.5, 1)
  float m = 0;
  std::memcpy(&m, &bits, sizeof m);
  const bool low = m < kSqrtHalf;
  e = low ? e - 1.0f : e;
  const float x = low ? (m + m) - 1.0f : m - 1.0f;
  const float z = x * x;
  float p = kLogPolynomial[0];
  for (int i = 1; i < 9; ++i) p = fma(p, x, kLogPolynomial[i]);
  float y = (p * x) * z;
  y = fma(e, kLn2Low, y);
  y = fma(-0.5f, z, y);
  return fma(e, kLn2High, x + y);
}

// ln(1 + u) for u >= 0; exact to rounding for tiny u. NaN and infinity pass through.
static inline float log1p(float u) {
  if (!(u <= 0x1.fffffep127f)) return u;
  const float s = 1.0f + u;
  const float lost = u - (s - 1.0f);  // what the addition rounded away
  return log(s) + lost / s;
}

static inline float sigmoid(float z) { return 1.0f / (1.0f + exp(-z)); }
static inline float silu(float z) { return z / (1.0f + exp(-z)); }
static inline float softplus(float y) { return y > 20.0f ? y : log1p(exp(y)); }

}  // namespace moebius::internal::fmath
