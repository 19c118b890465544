// Vectors of sixteen lanes in plain C++: arrays and loops. Names and semantics are those of vec_avx512.h.
#pragma once

#include <cstdint>

// Inlining is left to the compiler: forcing it makes the unrolled kernels too large to compile in reasonable time.
#define MOEBIUS_INLINE static inline
#define MOEBIUS_INLINE_MEMBER inline
#define MOEBIUS_INLINE_LAMBDA

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Rows of activations that a kernel multiplies at once. Loops over lanes gain nothing from more than one.
constexpr int kRowsAtOnce = 1;
constexpr int kStateVectors = 1;  // vectors of columns of the delta rule whose sums stay in registers
constexpr int kKeysAtOnce = 1;
constexpr bool kPlacedCodes = false;

struct F32 {
  float v[16];
};
struct I32 {
  int32_t v[16];
};
struct Bytes {
  uint8_t v[64];
};

template <class Function>
MOEBIUS_INLINE F32 each(const Function& f) {
  F32 r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}
template <class Function>
MOEBIUS_INLINE I32 each_int(const Function& f) {
  I32 r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}

MOEBIUS_INLINE F32 zero() {
  return each([](int) { return 0.0f; });
}
MOEBIUS_INLINE F32 set1(float x) {
  return each([&](int) { return x; });
}
MOEBIUS_INLINE F32 load(const float* p) {
  return each([&](int i) { return p[i]; });
}
MOEBIUS_INLINE F32 load_first(const float* p, int64_t n) {
  return each([&](int i) { return i < n ? p[i] : 0.0f; });
}
MOEBIUS_INLINE F32 load_bf16(const uint16_t* p) {
  return each([&](int i) {
    const uint32_t bits = static_cast<uint32_t>(p[i]) << 16;
    float value = 0;
    __builtin_memcpy(&value, &bits, 4);
    return value;
  });
}
MOEBIUS_INLINE float widen_f16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t widened = exponent == 31 ? 0xffu : exponent + 112u;
  const uint32_t quiet = exponent == 31 && mantissa ? 0x400000u : 0u;
  const uint32_t bits = sign | (widened << 23) | (mantissa << 13) | quiet;
  float value = 0;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}
MOEBIUS_INLINE F32 load_f16(const uint16_t* p) {
  return each([&](int i) { return widen_f16(p[i]); });
}
MOEBIUS_INLINE void store_first(float* p, const F32& a, int64_t n) {
  for (int i = 0; i < n; ++i) p[i] = a.v[i];
}
MOEBIUS_INLINE void store(float* p, const F32& a) { store_first(p, a, 16); }

MOEBIUS_INLINE F32 add(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] + b.v[i]; });
}
MOEBIUS_INLINE F32 sub(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] - b.v[i]; });
}
MOEBIUS_INLINE F32 mul(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] * b.v[i]; });
}
MOEBIUS_INLINE F32 div(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] / b.v[i]; });
}
MOEBIUS_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return each([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
MOEBIUS_INLINE F32 fma_first(F32 a, F32 b, F32 c, int64_t n) {
  return each([&](int i) { return i < n ? __builtin_fmaf(a.v[i], b.v[i], c.v[i]) : c.v[i]; });
}
MOEBIUS_INLINE F32 add_first(F32 a, F32 b, int64_t n) {
  return each([&](int i) { return i < n ? a.v[i] + b.v[i] : b.v[i]; });
}
MOEBIUS_INLINE F32 min_or_second(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
MOEBIUS_INLINE F32 max_or_second(F32 a, F32 b) {
  return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
MOEBIUS_INLINE F32 round_even(F32 a) {
  return each([&](int i) { return __builtin_rintf(a.v[i]); });
}
MOEBIUS_INLINE F32 negate(F32 a) {
  return each([&](int i) { return -a.v[i]; });
}
template <int Distance>
MOEBIUS_INLINE F32 lanes_down(F32 a) {
  return each([&](int i) { return a.v[(i + Distance) % 16]; });
}
template <int Distance>
MOEBIUS_INLINE F32 fold(const F32& a, const F32& b) {
  constexpr int kPart = Distance >= 4 ? 16 : 4;  // lanes within which the results of a come before those of b
  return each([&](int i) {
    const int in_part = i % kPart;
    const F32& from = in_part < kPart / 2 ? a : b;
    const int sum = in_part % (kPart / 2);
    const int lower = i - in_part + sum / Distance * 2 * Distance + sum % Distance;
    return from.v[lower] + from.v[lower + Distance];
  });
}
MOEBIUS_INLINE float first_lane(const F32& a) { return a.v[0]; }

MOEBIUS_INLINE I32 set1_int(int32_t x) {
  return each_int([&](int) { return x; });
}
MOEBIUS_INLINE I32 load_u8(const uint8_t* p) {
  return each_int([&](int i) { return p[i]; });
}
// Values outside int32, and NaN, become the smallest int32, as the instruction does it.
MOEBIUS_INLINE I32 to_int(F32 a) {
  return each_int([&](int i) {
    const bool fits = a.v[i] >= -2147483648.0f && a.v[i] < 2147483648.0f;
    return fits ? static_cast<int32_t>(__builtin_rintf(a.v[i])) : INT32_MIN;
  });
}
MOEBIUS_INLINE F32 to_float(I32 a) {
  return each([&](int i) { return static_cast<float>(a.v[i]); });
}
MOEBIUS_INLINE I32 as_int(F32 a) {
  I32 r;
  __builtin_memcpy(r.v, a.v, 64);
  return r;
}
MOEBIUS_INLINE F32 as_float(I32 a) {
  F32 r;
  __builtin_memcpy(r.v, a.v, 64);
  return r;
}
// Integer arithmetic wraps around, as the instructions do it.
MOEBIUS_INLINE int32_t wrap(uint32_t x) { return static_cast<int32_t>(x); }
MOEBIUS_INLINE uint32_t bits(int32_t x) { return static_cast<uint32_t>(x); }
MOEBIUS_INLINE I32 add(I32 a, I32 b) {
  return each_int([&](int i) { return wrap(bits(a.v[i]) + bits(b.v[i])); });
}
MOEBIUS_INLINE I32 sub(I32 a, I32 b) {
  return each_int([&](int i) { return wrap(bits(a.v[i]) - bits(b.v[i])); });
}
MOEBIUS_INLINE I32 bit_and(I32 a, I32 b) {
  return each_int([&](int i) { return a.v[i] & b.v[i]; });
}
MOEBIUS_INLINE I32 max(I32 a, I32 b) {
  return each_int([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
template <int N>
MOEBIUS_INLINE I32 shift_left(I32 a) {
  return each_int([&](int i) { return wrap(bits(a.v[i]) << N); });
}
template <int N>
MOEBIUS_INLINE I32 shift_right_arithmetic(I32 a) {
  return each_int([&](int i) { return a.v[i] >> N; });
}
MOEBIUS_INLINE int32_t max_of_lanes(const I32& a) {
  int32_t m = a.v[0];
  for (int i = 1; i < 16; ++i) m = a.v[i] > m ? a.v[i] : m;
  return m;
}
MOEBIUS_INLINE int32_t sum_of_lanes(const I32& a) {
  int32_t s = 0;
  for (int i = 0; i < 16; ++i) s += a.v[i];
  return s;
}
MOEBIUS_INLINE void store_i8(int8_t* p, const I32& a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i]);
}

MOEBIUS_INLINE Bytes load_bytes(const uint8_t* p) {
  Bytes r;
  __builtin_memcpy(r.v, p, 64);
  return r;
}
MOEBIUS_INLINE const Bytes& in_register(const Bytes& a) { return a; }
MOEBIUS_INLINE void store_bytes(uint8_t* p, const Bytes& a) { __builtin_memcpy(p, a.v, 64); }
MOEBIUS_INLINE Bytes lookup(const uint8_t* table, const Bytes& indices) {
  Bytes r;
  for (int i = 0; i < 64; ++i) r.v[i] = table[indices.v[i]];
  return r;
}
template <int N>
MOEBIUS_INLINE Bytes shift_bytes(const Bytes& a) {
  Bytes r;
  for (int i = 0; i < 64; ++i)
    r.v[i] = static_cast<uint8_t>(N >= 0 ? a.v[i] >> (N >= 0 ? N : 0) : a.v[i] << (N < 0 ? -N : 0));
  return r;
}
MOEBIUS_INLINE Bytes mask_bytes(const Bytes& a, uint8_t mask) {
  Bytes r;
  for (int i = 0; i < 64; ++i) r.v[i] = static_cast<uint8_t>(a.v[i] & mask);
  return r;
}
MOEBIUS_INLINE Bytes mask_or(const Bytes& a, uint8_t mask, const Bytes& b) {
  Bytes r;
  for (int i = 0; i < 64; ++i) r.v[i] = static_cast<uint8_t>((a.v[i] & mask) | b.v[i]);
  return r;
}
template <int Input>
MOEBIUS_INLINE F32 code_of_input(const Bytes& a) {
  return each([&](int i) { return static_cast<float>(a.v[4 * i + Input]); });
}

template <int LargestCode>
struct Dot {
  int32_t sum[16] = {};
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const int8_t* q4) {
    for (int r = 0; r < 16; ++r) {
      sum[r] +=
          codes.v[4 * r] * q4[0] + codes.v[4 * r + 1] * q4[1] + codes.v[4 * r + 2] * q4[2] + codes.v[4 * r + 3] * q4[3];
    }
  }
  MOEBIUS_INLINE_MEMBER I32 total() const {
    return each_int([&](int i) { return sum[i]; });
  }
};

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
