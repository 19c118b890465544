// Vectors of sixteen lanes on AVX2 + FMA + F16C, as two halves of eight. Names and semantics are those of vec_avx512.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define MOEBIUS_INLINE static inline __attribute__((always_inline))
#define MOEBIUS_INLINE_MEMBER inline __attribute__((always_inline))
#define MOEBIUS_INLINE_LAMBDA __attribute__((always_inline))

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Rows of activations whose sums stay in registers. The codes of a unit do not fit beside them into 16 registers.
constexpr int kRowsAtOnce = 2;
constexpr int kStateVectors = 1;  // vectors of columns of the delta rule whose sums stay in registers
constexpr int kKeysAtOnce = 1;
constexpr bool kPlacedCodes = false;  // maddubs saturates above 15 bits

struct F32 {
  __m256 lo, hi;
};
struct I32 {
  __m256i lo, hi;
};
struct Bytes {
  __m256i lo, hi;
};  // rows 0-7, rows 8-15; 4 inputs each

MOEBIUS_INLINE __m256i lane_mask(int64_t n, int first) {
  const __m256i lanes = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(n)), lanes);
}

MOEBIUS_INLINE F32 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
MOEBIUS_INLINE F32 set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
MOEBIUS_INLINE F32 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
MOEBIUS_INLINE F32 load_first(const float* p, int64_t n) {
  return {_mm256_maskload_ps(p, lane_mask(n, 0)), _mm256_maskload_ps(p + 8, lane_mask(n, 8))};
}
MOEBIUS_INLINE __m256 widen_bf16(const uint16_t* p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
MOEBIUS_INLINE F32 load_bf16(const uint16_t* p) { return {widen_bf16(p), widen_bf16(p + 8)}; }
MOEBIUS_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
MOEBIUS_INLINE void store(float* p, F32 a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
MOEBIUS_INLINE void store_first(float* p, F32 a, int64_t n) {
  _mm256_maskstore_ps(p, lane_mask(n, 0), a.lo);
  _mm256_maskstore_ps(p + 8, lane_mask(n, 8), a.hi);
}

MOEBIUS_INLINE F32 add(F32 a, F32 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 sub(F32 a, F32 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 mul(F32 a, F32 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 div(F32 a, F32 b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
MOEBIUS_INLINE F32 select_first(F32 a, F32 otherwise, int64_t n) {
  return {_mm256_blendv_ps(otherwise.lo, a.lo, _mm256_castsi256_ps(lane_mask(n, 0))),
          _mm256_blendv_ps(otherwise.hi, a.hi, _mm256_castsi256_ps(lane_mask(n, 8)))};
}
MOEBIUS_INLINE F32 fma_first(F32 a, F32 b, F32 c, int64_t n) { return select_first(fma(a, b, c), c, n); }
MOEBIUS_INLINE F32 add_first(F32 a, F32 b, int64_t n) { return select_first(add(a, b), b, n); }
MOEBIUS_INLINE F32 min_or_second(F32 a, F32 b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 max_or_second(F32 a, F32 b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
MOEBIUS_INLINE F32 round_even(F32 a) {
  constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, kMode), _mm256_round_ps(a.hi, kMode)};
}
MOEBIUS_INLINE F32 negate(F32 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(a.lo, sign), _mm256_xor_ps(a.hi, sign)};
}
template <int Distance>
MOEBIUS_INLINE F32 lanes_down(F32 a) {
  if constexpr (Distance == 8) return {a.hi, a.lo};
  if constexpr (Distance == 4) return {_mm256_permute2f128_ps(a.lo, a.lo, 1), a.hi};
  if constexpr (Distance == 2) return {_mm256_permute_ps(a.lo, 0b01001110), a.hi};
  return {_mm256_permute_ps(a.lo, 0b10110001), a.hi};
}
template <int Distance>
MOEBIUS_INLINE F32 fold(F32 a, F32 b) {
  if constexpr (Distance == 8) {
    return {_mm256_add_ps(a.lo, a.hi), _mm256_add_ps(b.lo, b.hi)};
  } else if constexpr (Distance == 4) {
    return {_mm256_add_ps(_mm256_permute2f128_ps(a.lo, a.hi, 0x20), _mm256_permute2f128_ps(a.lo, a.hi, 0x31)),
            _mm256_add_ps(_mm256_permute2f128_ps(b.lo, b.hi, 0x20), _mm256_permute2f128_ps(b.lo, b.hi, 0x31))};
  } else {
    constexpr int kLower = Distance == 2 ? 0x44 : 0x88;
    constexpr int kUpper = Distance == 2 ? 0xee : 0xdd;
    return {_mm256_add_ps(_mm256_shuffle_ps(a.lo, b.lo, kLower), _mm256_shuffle_ps(a.lo, b.lo, kUpper)),
            _mm256_add_ps(_mm256_shuffle_ps(a.hi, b.hi, kLower), _mm256_shuffle_ps(a.hi, b.hi, kUpper))};
  }
}
MOEBIUS_INLINE float first_lane(F32 a) { return _mm256_cvtss_f32(a.lo); }

MOEBIUS_INLINE I32 set1_int(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
MOEBIUS_INLINE I32 load_u8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
MOEBIUS_INLINE I32 to_int(F32 a) { return {_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)}; }
MOEBIUS_INLINE F32 to_float(I32 a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
MOEBIUS_INLINE I32 as_int(F32 a) { return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)}; }
MOEBIUS_INLINE F32 as_float(I32 a) { return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)}; }
MOEBIUS_INLINE I32 add(I32 a, I32 b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
MOEBIUS_INLINE I32 sub(I32 a, I32 b) { return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)}; }
MOEBIUS_INLINE I32 bit_and(I32 a, I32 b) { return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)}; }
MOEBIUS_INLINE I32 max(I32 a, I32 b) { return {_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)}; }
template <int N>
MOEBIUS_INLINE I32 shift_left(I32 a) {
  return {_mm256_slli_epi32(a.lo, N), _mm256_slli_epi32(a.hi, N)};
}
template <int N>
MOEBIUS_INLINE I32 shift_right_arithmetic(I32 a) {
  return {_mm256_srai_epi32(a.lo, N), _mm256_srai_epi32(a.hi, N)};
}
MOEBIUS_INLINE int32_t max_of_lanes(I32 a) {
  __m256i m = _mm256_max_epi32(a.lo, a.hi);
  m = _mm256_max_epi32(m, _mm256_permute2x128_si256(m, m, 1));
  m = _mm256_max_epi32(m, _mm256_shuffle_epi32(m, 0b01001110));
  m = _mm256_max_epi32(m, _mm256_shuffle_epi32(m, 0b10110001));
  return _mm256_cvtsi256_si32(m);
}
MOEBIUS_INLINE int32_t sum_of_lanes(I32 a) {
  __m256i s = _mm256_add_epi32(a.lo, a.hi);
  s = _mm256_add_epi32(s, _mm256_permute2x128_si256(s, s, 1));
  s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0b01001110));
  s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0b10110001));
  return _mm256_cvtsi256_si32(s);
}
MOEBIUS_INLINE void store_i8(int8_t* p, I32 a) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.lo, a.hi), 0b11011000);
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(words, words), 0b11011000);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(bytes));
}

MOEBIUS_INLINE Bytes load_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
// Does nothing: sixteen registers are too few to keep a line of a unit in one.
MOEBIUS_INLINE Bytes in_register(Bytes a) { return a; }
MOEBIUS_INLINE void store_bytes(uint8_t* p, Bytes a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), a.hi);
}
MOEBIUS_INLINE Bytes lookup(const uint8_t* table, Bytes i) {
  const __m256i tables = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm256_shuffle_epi8(tables, i.lo), _mm256_shuffle_epi8(tables, i.hi)};
}
template <int N>
MOEBIUS_INLINE Bytes shift_bytes(Bytes a) {
  if constexpr (N > 0) return {_mm256_srli_epi16(a.lo, N), _mm256_srli_epi16(a.hi, N)};
  if constexpr (N < 0) return {_mm256_slli_epi16(a.lo, -N), _mm256_slli_epi16(a.hi, -N)};
  return a;
}
MOEBIUS_INLINE Bytes mask_bytes(Bytes a, uint8_t mask) {
  const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
  return {_mm256_and_si256(a.lo, m), _mm256_and_si256(a.hi, m)};
}
MOEBIUS_INLINE Bytes mask_or(Bytes a, uint8_t mask, Bytes b) {
  const Bytes masked = mask_bytes(a, mask);
  return {_mm256_or_si256(masked.lo, b.lo), _mm256_or_si256(masked.hi, b.hi)};
}
template <int Input>
MOEBIUS_INLINE __m256 code_half(__m256i a) {
  return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(a, 8 * Input), _mm256_set1_epi32(0xff)));
}
template <int Input>
MOEBIUS_INLINE F32 code_of_input(Bytes a) {
  return {code_half<Input>(a.lo), code_half<Input>(a.hi)};
}

// maddubs adds a pair of products in int16, and saturates. Pairs are therefore summed in int16 only as long as they
// fit. 8-bit codes are split so that each pair of products fits (127 * 127 * 2 and 128 * 127 * 2 are below 32768).
template <int LargestCode>
struct Dot {
  static constexpr int kLargestPair = 2 * LargestCode * 127;
  static constexpr int kSetsUntilFull = 32767 / kLargestPair;
  static constexpr bool kSplit = kSetsUntilFull == 0;
  __m256i sum_lo = _mm256_setzero_si256(), sum_hi = _mm256_setzero_si256();
  __m256i pairs_lo = _mm256_setzero_si256(), pairs_hi = _mm256_setzero_si256();

  static MOEBIUS_INLINE_MEMBER __m256i widen(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }
  MOEBIUS_INLINE_MEMBER void flush() {
    sum_lo = _mm256_add_epi32(sum_lo, widen(pairs_lo));
    sum_hi = _mm256_add_epi32(sum_hi, widen(pairs_hi));
    pairs_lo = pairs_hi = _mm256_setzero_si256();
  }
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(Bytes codes, const int8_t* q4) {
    int32_t four = 0;
    __builtin_memcpy(&four, q4, 4);
    const __m256i q = _mm256_set1_epi32(four);
    if constexpr (kSplit) {
      const Bytes low = mask_bytes(codes, 0x7f);
      const Bytes high = mask_bytes(codes, 0x80);
      sum_lo = _mm256_add_epi32(
          sum_lo, _mm256_add_epi32(widen(_mm256_maddubs_epi16(low.lo, q)), widen(_mm256_maddubs_epi16(high.lo, q))));
      sum_hi = _mm256_add_epi32(
          sum_hi, _mm256_add_epi32(widen(_mm256_maddubs_epi16(low.hi, q)), widen(_mm256_maddubs_epi16(high.hi, q))));
    } else {
      pairs_lo = _mm256_add_epi16(pairs_lo, _mm256_maddubs_epi16(codes.lo, q));
      pairs_hi = _mm256_add_epi16(pairs_hi, _mm256_maddubs_epi16(codes.hi, q));
      if constexpr ((Set + 1) % kSetsUntilFull == 0) flush();
    }
  }
  MOEBIUS_INLINE_MEMBER I32 total() {
    if constexpr (!kSplit) flush();
    return {sum_lo, sum_hi};
  }
};

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
