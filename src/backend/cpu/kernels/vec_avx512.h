// Vectors of sixteen lanes on AVX-512 (F, BW, VL, DQ, VNNI). vec_avx2.h and vec_portable.h have the same names with the
// same semantics; comments on shared functions are here.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define MOEBIUS_INLINE static inline __attribute__((always_inline))
#define MOEBIUS_INLINE_MEMBER inline __attribute__((always_inline))
#define MOEBIUS_INLINE_LAMBDA __attribute__((always_inline))

namespace moebius::internal::cpu::MOEBIUS_ISA {

// Rows of activations whose sums stay in registers. Of 32 registers, 16 hold the codes of a unit and 4 hold sums; the
// others finish the sums.
constexpr int kRowsAtOnce = 4;
constexpr int kStateVectors = 2;     // vectors of columns of the delta rule whose sums stay in registers
constexpr int kKeysAtOnce = 4;       // keys whose dot products with four queries stay in registers
constexpr bool kPlacedCodes = true;  // codes may stay at their place (layout.h): any byte times any int8 is exact

struct F32 {
  __m512 v;
};
struct I32 {
  __m512i v;
};
struct Bytes {
  __m512i v;
};  // 16 rows x 4 inputs, one byte a code

MOEBIUS_INLINE __mmask16 first_lanes(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

MOEBIUS_INLINE F32 zero() { return {_mm512_setzero_ps()}; }
MOEBIUS_INLINE F32 set1(float x) { return {_mm512_set1_ps(x)}; }
MOEBIUS_INLINE F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
MOEBIUS_INLINE F32 load_first(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
MOEBIUS_INLINE F32 load_bf16(const uint16_t* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
MOEBIUS_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
MOEBIUS_INLINE void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }
MOEBIUS_INLINE void store_first(float* p, F32 a, int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), a.v); }

MOEBIUS_INLINE F32 add(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 sub(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 mul(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 div(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// fma in the first n lanes. The other lanes keep c: a lane without an element adds nothing, not even a zero's sign.
MOEBIUS_INLINE F32 fma_first(F32 a, F32 b, F32 c, int64_t n) {
  return {_mm512_mask3_fmadd_ps(a.v, b.v, c.v, first_lanes(n))};
}
MOEBIUS_INLINE F32 add_first(F32 a, F32 b, int64_t n) { return {_mm512_mask_add_ps(b.v, first_lanes(n), a.v, b.v)}; }
// a < b ? a : b in min_or_second, a > b ? a : b in max_or_second. The result is b when either is NaN.
MOEBIUS_INLINE F32 min_or_second(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 max_or_second(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
MOEBIUS_INLINE F32 round_even(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
MOEBIUS_INLINE F32 negate(F32 a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
// Lane l takes lane l + Distance. The steps of the tree of N5 use the distances 8, 4, 2 and 1.
template <int Distance>
MOEBIUS_INLINE F32 lanes_down(F32 a) {
  const __m512i v = _mm512_castps_si512(a.v);
  return {_mm512_castsi512_ps(_mm512_alignr_epi32(v, v, Distance))};
}
// One step of the tree of N5 for two vectors at once. In a and in b, every 2 * Distance neighbouring lanes are the
// partial sums of one vector; the step adds the upper half of these lanes to the lower half. The results of a come
// before those of b: within the whole vector for distances 8 and 4, within every 128 bits for distances 2 and 1.
template <int Distance>
MOEBIUS_INLINE F32 fold(F32 a, F32 b) {
  if constexpr (Distance == 8) {
    return {_mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0x44), _mm512_shuffle_f32x4(a.v, b.v, 0xee))};
  } else if constexpr (Distance == 4) {
    return {_mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0x88), _mm512_shuffle_f32x4(a.v, b.v, 0xdd))};
  } else if constexpr (Distance == 2) {
    return {_mm512_add_ps(_mm512_shuffle_ps(a.v, b.v, 0x44), _mm512_shuffle_ps(a.v, b.v, 0xee))};
  } else {
    return {_mm512_add_ps(_mm512_shuffle_ps(a.v, b.v, 0x88), _mm512_shuffle_ps(a.v, b.v, 0xdd))};
  }
}
MOEBIUS_INLINE float first_lane(F32 a) { return _mm512_cvtss_f32(a.v); }

MOEBIUS_INLINE I32 set1_int(int32_t x) { return {_mm512_set1_epi32(x)}; }
MOEBIUS_INLINE I32 load_u8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
MOEBIUS_INLINE I32 to_int(F32 a) { return {_mm512_cvtps_epi32(a.v)}; }
MOEBIUS_INLINE F32 to_float(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
MOEBIUS_INLINE I32 as_int(F32 a) { return {_mm512_castps_si512(a.v)}; }
MOEBIUS_INLINE F32 as_float(I32 a) { return {_mm512_castsi512_ps(a.v)}; }
MOEBIUS_INLINE I32 add(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
MOEBIUS_INLINE I32 sub(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
MOEBIUS_INLINE I32 bit_and(I32 a, I32 b) { return {_mm512_and_si512(a.v, b.v)}; }
MOEBIUS_INLINE I32 max(I32 a, I32 b) { return {_mm512_max_epi32(a.v, b.v)}; }
template <int N>
MOEBIUS_INLINE I32 shift_left(I32 a) {
  return {_mm512_slli_epi32(a.v, N)};
}
template <int N>
MOEBIUS_INLINE I32 shift_right_arithmetic(I32 a) {
  return {_mm512_srai_epi32(a.v, N)};
}
MOEBIUS_INLINE int32_t max_of_lanes(I32 a) { return _mm512_reduce_max_epi32(a.v); }
MOEBIUS_INLINE int32_t sum_of_lanes(I32 a) { return _mm512_reduce_add_epi32(a.v); }
MOEBIUS_INLINE void store_i8(int8_t* p, I32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}

MOEBIUS_INLINE Bytes load_bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
// Tells the compiler to keep a in a register from here on.
MOEBIUS_INLINE Bytes in_register(Bytes a) {
  asm volatile("" : "+v"(a.v));
  return a;
}
MOEBIUS_INLINE void store_bytes(uint8_t* p, Bytes a) { _mm512_storeu_si512(p, a.v); }
// Replaces each byte i < 16 by table[i].
MOEBIUS_INLINE Bytes lookup(const uint8_t* table, Bytes i) {
  const __m512i tables = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm512_shuffle_epi8(tables, i.v)};
}
template <int N>  // positive N shifts right; the caller masks off bits that cross into another byte
MOEBIUS_INLINE Bytes shift_bytes(Bytes a) {
  if constexpr (N > 0) return {_mm512_srli_epi16(a.v, N)};
  if constexpr (N < 0) return {_mm512_slli_epi16(a.v, -N)};
  return a;
}
MOEBIUS_INLINE Bytes mask_bytes(Bytes a, uint8_t mask) {
  return {_mm512_and_si512(a.v, _mm512_set1_epi8(static_cast<char>(mask)))};
}
MOEBIUS_INLINE Bytes mask_or(Bytes a, uint8_t mask, Bytes b) {  // (a & mask) | b
  return {_mm512_ternarylogic_epi32(a.v, _mm512_set1_epi8(static_cast<char>(mask)), b.v, 0xEA)};
}
template <int Input>  // the code of input 0..3 of each row
MOEBIUS_INLINE F32 code_of_input(Bytes a) {
  return {_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(a.v, 8 * Input), _mm512_set1_epi32(0xff)))};
}

// Sums of code * activation over inputs, one sum a lane, exact in int32.
template <int LargestCode>
struct Dot {
  __m512i sum = _mm512_setzero_si512();
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(Bytes codes, const int8_t* q4) {
    int32_t four = 0;
    __builtin_memcpy(&four, q4, 4);
    sum = _mm512_dpbusd_epi32(sum, codes.v, _mm512_set1_epi32(four));
  }
  MOEBIUS_INLINE_MEMBER I32 total() const { return {sum}; }
};

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
