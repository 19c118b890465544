// Packed matrix times a few rows of activations: the inner loops (N2, N4). Lanes are the 16 rows of a block, so there
// are no horizontal sums; codes are unpacked once for the N tokens they meet.
#pragma once

#include "backend/cpu/kernels/math.h"

namespace moebius::cpu::MOEBIUS_ISA {

constexpr int kSegment = 512;  // inputs between two roundings into y (N2)

MOEBIUS_INLINE F32 load_element(const uint8_t* p, Element element) {
  switch (element) {
    case Element::kBF16:
      return load_bf16(reinterpret_cast<const uint16_t*>(p));
    case Element::kF16:
      return load_f16(reinterpret_cast<const uint16_t*>(p));
    case Element::kF32:
      break;
  }
  return load(reinterpret_cast<const float*>(p));
}
constexpr int element_bytes(Element element) { return element == Element::kF32 ? 4 : 2; }

// ---- codes: a unit of 32 or 64 inputs is stored in planes of 8, 4, 2 or 1 bits (pack.h)
// --------------------------------

template <int Bits>
struct Planes {
  static constexpr int kLow = Bits == 8 ? 8 : Bits >= 4 ? 4 : 2;
  static constexpr int kHigh = Bits - kLow;  // 0, 1 or 2
};

// The codes of set `Set` (inputs 4 * Set .. 4 * Set + 3 of a unit), one byte each.
template <int Bits, int Unit, int Set>
MOEBIUS_INLINE Bytes codes_of_set(const uint8_t* unit) {
  constexpr int kLow = Planes<Bits>::kLow;
  constexpr int kHigh = Planes<Bits>::kHigh;
  constexpr int kLowSets = 8 / kLow;  // sets that share a line of 64 bytes
  const Bytes low_line = load_bytes(unit + 64 * (Set / kLowSets));
  if constexpr (kLow == 8) return low_line;
  const Bytes low = mask_bytes(shift_bytes<kLow*(Set % kLowSets)>(low_line), (1 << kLow) - 1);
  if constexpr (kHigh == 0) {
    return low;
  } else {
    constexpr int kHighSets = 8 / kHigh;
    constexpr int kLowLines = Unit / 4 / kLowSets;
    const Bytes high_line = load_bytes(unit + 64 * (kLowLines + Set / kHighSets));
    return mask_or(shift_bytes<kHigh*(Set % kHighSets) - kLow>(high_line), ((1 << kHigh) - 1) << kLow, low);
  }
}

template <int... Sets>
struct Sequence {};
template <int N, int... Sets>
struct MakeSequence : MakeSequence<N - 1, N - 1, Sets...> {};
template <int... Sets>
struct MakeSequence<0, Sets...> {
  using Type = Sequence<Sets...>;
};

// ---- N4: int8 activations
// -----------------------------------------------------------------------------------------------

// The sums of N rows, as nested members: g++ keeps those in registers where it stores an array of them to the stack
// after every step (measured: 8 rows took 4 times as long).
template <int Bits, int N>
struct Dots {
  Dot<Bits> first;
  Dots<Bits, N - 1> others;

  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes& codes, const int8_t* const* q) {
    first.template accumulate<Set>(codes, q[0] + 4 * Set);
    others.template accumulate<Set>(codes, q + 1);
  }
  // acc = fma(a, fma(s, float(d), b * float(z)), acc) for each row (N4).
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(F32* acc, F32 s, F32 b, const ActivationRow* rows, int unit) {
    const F32 z = set1(Unit == 64 ? rows->sum64[unit] : rows->sum32[unit]);
    const F32 a = set1(rows->scale[unit * Unit / kQuantBlock]);
    *acc = fma(a, fma(s, first.total(), mul(b, z)), *acc);
    others.template add_to<Unit>(acc + 1, s, b, rows + 1, unit);
  }
};
template <int Bits>
struct Dots<Bits, 0> {
  template <int Set>
  MOEBIUS_INLINE_MEMBER void accumulate(const Bytes&, const int8_t* const*) {}
  template <int Unit>
  MOEBIUS_INLINE_MEMBER void add_to(F32*, F32, F32, const ActivationRow*, int) {}
};

template <int Bits, int Unit, int N, int... Sets>
MOEBIUS_INLINE void accumulate_unit(Dots<Bits, N>& dots, const uint8_t* codes, const int8_t* const* q,
                                    Sequence<Sets...>) {
  (dots.template accumulate<Sets>(codes_of_set<Bits, Unit, Sets>(codes), q), ...);
}

// One unit of one block: acc [N].
template <int Bits, int Unit, int N>
MOEBIUS_INLINE void add_unit(F32* acc, const uint8_t* codes, F32 s, F32 b, const ActivationRow* rows, int unit) {
  const int8_t* q[N];
  for (int t = 0; t < N; ++t) q[t] = rows[t].q + unit * Unit;
  Dots<Bits, N> dots;
  accumulate_unit<Bits, Unit, N>(dots, codes, q, typename MakeSequence<Unit / 4>::Type{});
  dots.template add_to<Unit>(acc, s, b, rows, unit);
}

// y += acc, a segment's worth: y [count][16] stays in memory, registers are for what the inner loop needs.
MOEBIUS_INLINE void add_segment(float* y, F32* acc, int count) {
  for (int i = 0; i < count; ++i) {
    store(y + i * kLanes, add(load(y + i * kLanes), acc[i]));
    acc[i] = zero();
  }
}

// y [R][N][16]: R neighbouring blocks (block_bytes apart) times N rows.
template <int Bits, int Unit, int R, int N>
static void int8_blocks(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  constexpr int kUnitBytes = Unit * Bits * 2;  // 16 rows
  const int code_bytes = kUnitBytes * (w.group / Unit);
  const int scale_bytes = kLanes * element_bytes(w.element);
  F32 acc[R * N];
  for (int i = 0; i < R * N; ++i) {
    acc[i] = zero();
    store(y + i * kLanes, zero());
  }
  const uint8_t* tile = block;
  for (int k = 0; k < w.cols; tile += code_bytes + 2 * scale_bytes) {
    F32 s[R], b[R];
    for (int r = 0; r < R; ++r) {
      const uint8_t* scales = tile + r * w.block_bytes + code_bytes;
      s[r] = load_element(scales, w.element);
      b[r] = load_element(scales + scale_bytes, w.element);
    }
    for (int in_tile = 0; in_tile < w.group; in_tile += Unit, k += Unit) {
      for (int r = 0; r < R; ++r) {
        const uint8_t* codes = tile + r * w.block_bytes + in_tile * Bits * 2;
        add_unit<Bits, Unit, N>(acc + r * N, codes, s[r], b[r], rows, k / Unit);
      }
    }
    if (k % kSegment == 0 || k == w.cols) add_segment(y, acc, R * N);
  }
}

// ---- N2: f32 activations, dense or decoded weights
// ----------------------------------------------------------------------

template <Element E, int R, int N>
static void dense_blocks(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  F32 total[R][N];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < N; ++t) total[r][t] = zero();
  }
  for (int k0 = 0; k0 < w.cols; k0 += kSegment) {
    const int end = k0 + kSegment < w.cols ? k0 + kSegment : w.cols;
    F32 acc[R][N];
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < N; ++t) acc[r][t] = zero();
    }
    for (int k = k0; k < end; ++k) {
      for (int r = 0; r < R; ++r) {
        const F32 weight = load_element(block + r * w.block_bytes + int64_t{k} * kLanes * element_bytes(E), E);
        for (int t = 0; t < N; ++t) acc[r][t] = fma(weight, set1(rows[t].x[k]), acc[r][t]);
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < N; ++t) total[r][t] = add(total[r][t], acc[r][t]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < N; ++t) store(y + (r * N + t) * kLanes, total[r][t]);
  }
}

template <int Bits, int Unit, int Set>
MOEBIUS_INLINE void decode_set(float* weights, const uint8_t* unit, F32 s, F32 b) {
  const Bytes codes = codes_of_set<Bits, Unit, Set>(unit);
  store(weights + (4 * Set + 0) * kLanes, fma(code_of_input<0>(codes), s, b));
  store(weights + (4 * Set + 1) * kLanes, fma(code_of_input<1>(codes), s, b));
  store(weights + (4 * Set + 2) * kLanes, fma(code_of_input<2>(codes), s, b));
  store(weights + (4 * Set + 3) * kLanes, fma(code_of_input<3>(codes), s, b));
}

template <int Bits, int Unit, int... Sets>
MOEBIUS_INLINE void decode_unit(float* weights, const uint8_t* unit, F32 s, F32 b, Sequence<Sets...>) {
  (decode_set<Bits, Unit, Sets>(weights, unit, s, b), ...);
}

// w = fma(float(q), s, b) of one tile: weights [group][16].
template <int Bits, int Unit>
static void decode_tile(float* weights, const uint8_t* tile, const MatrixView& w) {
  constexpr int kUnitBytes = Unit * Bits * 2;
  const int scale_bytes = kLanes * element_bytes(w.element);
  const uint8_t* scales = tile + w.group * Bits * 2;
  const F32 s = load_element(scales, w.element);
  const F32 b = load_element(scales + scale_bytes, w.element);
  for (int u = 0; u < w.group / Unit; ++u) {
    decode_unit<Bits, Unit>(weights + u * Unit * kLanes, tile + u * kUnitBytes, s, b,
                            typename MakeSequence<Unit / 4>::Type{});
  }
}

using DecodeFunction = void (*)(float* weights, const uint8_t* tile, const MatrixView& w);

template <int Bits>
MOEBIUS_INLINE DecodeFunction decode_function(int group) {
  return group == 32 ? decode_tile<Bits, 32> : decode_tile<Bits, 64>;
}

static DecodeFunction decode_function(const MatrixView& w) {
  switch (w.bits) {
    case 2:
      return decode_function<2>(w.group);
    case 3:
      return decode_function<3>(w.group);
    case 4:
      return decode_function<4>(w.group);
    case 5:
      return decode_function<5>(w.group);
    case 6:
      return decode_function<6>(w.group);
    default:
      return decode_function<8>(w.group);
  }
}

// Affine weights and f32 activations: router, shared gate, in_proj_a, in_proj_b. A tile is decoded once for all N rows.
template <int R, int N>
static void decoded_blocks(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows) {
  constexpr int kLargestGroup = 128;
  alignas(64) float weights[R][kLargestGroup * kLanes];
  const DecodeFunction decode = decode_function(w);
  const int tile_bytes = w.group * w.bits * 2 + 2 * kLanes * element_bytes(w.element);
  F32 total[R][N];
  F32 acc[R][N];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < N; ++t) total[r][t] = acc[r][t] = zero();
  }
  const uint8_t* tile = block;
  for (int k0 = 0; k0 < w.cols; k0 += w.group, tile += tile_bytes) {
    for (int r = 0; r < R; ++r) decode(weights[r], tile + r * w.block_bytes, w);
    for (int k = 0; k < w.group; ++k) {
      for (int r = 0; r < R; ++r) {
        const F32 weight = load(weights[r] + k * kLanes);
        for (int t = 0; t < N; ++t) acc[r][t] = fma(weight, set1(rows[t].x[k0 + k]), acc[r][t]);
      }
    }
    const int done = k0 + w.group;
    if (done % kSegment != 0 && done < w.cols) continue;
    for (int r = 0; r < R; ++r) {
      for (int t = 0; t < N; ++t) {
        total[r][t] = add(total[r][t], acc[r][t]);
        acc[r][t] = zero();
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < N; ++t) store(y + (r * N + t) * kLanes, total[r][t]);
  }
}

}  // namespace moebius::cpu::MOEBIUS_ISA
