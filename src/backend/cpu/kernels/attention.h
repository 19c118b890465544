// Attention of a few tokens over their keys, in blocks of 256 absolute positions, merged in ascending order (N7).
#pragma once

#include "backend/cpu/kernels/math.h"

namespace moebius::cpu::MOEBIUS_ISA {

constexpr int kHeadsAtOnce = kRowsAtOnce;    // query heads that share keys and values while they are in registers
constexpr int kVectorsAtOnce = kRowsAtOnce;  // of 16 elements of a value, for each of those heads

template <Element E>
MOEBIUS_INLINE F32 load_cached(const void* base, int64_t i) {
  if constexpr (E == Element::kF32) return load(static_cast<const float*>(base) + i);
  return load_f16(static_cast<const uint16_t*>(base) + i);
}

template <Element E>
MOEBIUS_INLINE F32 load_cached_first(const void* base, int64_t i, int64_t count) {
  if constexpr (E == Element::kF32) return load_first(static_cast<const float*>(base) + i, count);
  uint16_t padded[16] = {};
  for (int64_t j = 0; j < count; ++j) padded[j] = static_cast<const uint16_t*>(base)[i + j];
  return load_f16(padded);
}

// The dot products of one key with `Heads` queries, as nested members for the reason given in codes.h.
template <int Heads>
struct HeadDots {
  F32 lanes = zero();
  HeadDots<Heads - 1> others;

  MOEBIUS_INLINE_MEMBER void add(F32 k, const float* q, int64_t stride) {
    lanes = fma(load(q), k, lanes);
    others.add(k, q + stride, stride);
  }
  MOEBIUS_INLINE_MEMBER void add_first(F32 k, const float* q, int64_t stride, int64_t count) {
    lanes = fma_first(load_first(q, count), k, lanes, count);
    others.add_first(k, q + stride, stride, count);
  }
  MOEBIUS_INLINE_MEMBER void finish(float* scores, float scale) const {
    *scores = sum_of_lanes(lanes) * scale;
    others.finish(scores + kKeyBlock, scale);
  }
};
template <>
struct HeadDots<0> {
  MOEBIUS_INLINE_MEMBER void add(F32, const float*, int64_t) {}
  MOEBIUS_INLINE_MEMBER void add_first(F32, const float*, int64_t, int64_t) {}
  MOEBIUS_INLINE_MEMBER void finish(float*, float) const {}
};

// Asks for one key or value. Memory works while the scores and the sums are computed: scoring a block asks for its
// values, summing them up for the keys of the next one.
template <Element E>
MOEBIUS_INLINE void prefetch_cached(const void* base, int64_t key, int64_t head_dim) {
  constexpr int64_t kBytes = E == Element::kF32 ? 4 : 2;
  const uint8_t* row = static_cast<const uint8_t*>(base) + key * head_dim * kBytes;
  for (int64_t i = 0; i < head_dim * kBytes; i += 64) prefetch(row + i);
}

// scores[h][key] = dot(q[h], k[key]) * scale for `Heads` heads from `head` on and the keys of one block.
template <int Heads, Element E>
static void score_keys(float* scores, const AttendArgs& args, int head, int64_t first_key, int64_t keys) {
  const float* q = args.q + int64_t{head} * args.head_dim;
  for (int64_t key = 0; key < keys; ++key) {
    const int64_t base = (first_key + key) * args.head_dim;
    if (head == 0) prefetch_cached<E>(args.v, first_key + key, args.head_dim);
    HeadDots<Heads> dots;
    int64_t i = 0;
    for (; i + 16 <= args.head_dim; i += 16) dots.add(load_cached<E>(args.k, base + i), q + i, args.head_dim);
    if (const int64_t rest = args.head_dim - i; rest > 0) {
      dots.add_first(load_cached_first<E>(args.k, base + i, rest), q + i, args.head_dim, rest);
    }
    dots.finish(scores + head * kKeyBlock + key, args.scale);
  }
}

// All heads of the group.
template <Element E>
static void score_block(const AttendArgs& args, int64_t first_key, int64_t keys) {
  int head = 0;
  for (; head + kHeadsAtOnce <= args.group; head += kHeadsAtOnce) {
    score_keys<kHeadsAtOnce, E>(args.scores, args, head, first_key, keys);
  }
  for (; head < args.group; ++head) score_keys<1, E>(args.scores, args, head, first_key, keys);
}

struct BlockSum {
  float m, l;
};

// Scores become p = exp(s - m); returns m and l.
static BlockSum softmax_block(float* scores, int64_t keys) {
  float m = -__builtin_inff();
  for (int64_t i = 0; i < keys; ++i) m = scores[i] > m ? scores[i] : m;
  F32 lanes = zero();
  for_lanes(keys, [&](int64_t i, int64_t count) {
    const F32 p = exp(sub(load_lanes(scores + i, count), set1(m)));
    store_lanes(scores + i, p, count);
    lanes = count == 16 ? add(lanes, p) : add_first(p, lanes, count);
  });
  return {m, sum_of_lanes(lanes)};
}

// The weighted sums of `Vectors` * 16 elements of the values, for `Heads` heads.
template <int Heads, int Vectors>
struct ValueSums {
  F32 first = zero();
  ValueSums<1, Vectors - 1> elements;  // the others of this head
  ValueSums<Heads - 1, Vectors> heads;

  // p: of the first head; v: of the first vector.
  template <Element E>
  MOEBIUS_INLINE_MEMBER void add(const float* p, const void* v, int64_t i) {
    first = fma(set1(*p), load_cached<E>(v, i), first);
    elements.template add<E>(p, v, i + 16);
    heads.template add<E>(p + kKeyBlock, v, i);
  }
  MOEBIUS_INLINE_MEMBER void finish(float* out, int64_t stride) const {
    store(out, first);
    elements.finish(out + 16, stride);
    heads.finish(out + stride, stride);
  }
};
template <int Vectors>
struct ValueSums<0, Vectors> {
  template <Element E>
  MOEBIUS_INLINE_MEMBER void add(const float*, const void*, int64_t) {}
  MOEBIUS_INLINE_MEMBER void finish(float*, int64_t) const {}
};
template <int Heads>
struct ValueSums<Heads, 0> {
  template <Element E>
  MOEBIUS_INLINE_MEMBER void add(const float*, const void*, int64_t) {}
  MOEBIUS_INLINE_MEMBER void finish(float*, int64_t) const {}
};

// out[h][d] = sum over the keys of p[h] * v[d], keys ascending; Heads heads, Vectors * 16 elements from d on.
template <int Heads, int Vectors, Element E>
static void value_columns(float* out, const float* p, const AttendArgs& args, int64_t first_key, int64_t keys,
                          int64_t d) {
  ValueSums<Heads, Vectors> sums;
  const bool first_pass = p == args.scores && d == 0;
  for (int64_t key = first_key; key < first_key + keys; ++key, ++p) {
    if (first_pass) prefetch_cached<E>(args.k, key + kKeyBlock, args.head_dim);
    sums.template add<E>(p, args.v, key * args.head_dim + d);
  }
  sums.finish(out + d, args.head_dim);
}

template <int Heads, Element E>
static void value_heads(float* out, const float* p, const AttendArgs& args, int64_t first_key, int64_t keys) {
  constexpr int64_t kElements = 16 * kVectorsAtOnce;
  int64_t d = 0;
  for (; d + kElements <= args.head_dim; d += kElements) {
    value_columns<Heads, kVectorsAtOnce, E>(out, p, args, first_key, keys, d);
  }
  for (; d + 16 <= args.head_dim; d += 16) value_columns<Heads, 1, E>(out, p, args, first_key, keys, d);
  const int64_t rest = args.head_dim - d;
  for (int h = 0; rest > 0 && h < Heads; ++h) {
    F32 acc = zero();
    for (int64_t key = 0; key < keys; ++key) {
      const F32 v = load_cached_first<E>(args.v, (first_key + key) * args.head_dim + d, rest);
      acc = fma(set1(p[h * kKeyBlock + key]), v, acc);
    }
    store_first(out + h * args.head_dim + d, acc, rest);
  }
}

// All heads of the group: out [group, head_dim].
template <Element E>
static void value_block(float* out, const AttendArgs& args, int64_t first_key, int64_t keys) {
  int64_t head = 0;
  for (; head + kHeadsAtOnce <= args.group; head += kHeadsAtOnce) {
    value_heads<kHeadsAtOnce, E>(out + head * args.head_dim, args.scores + head * kKeyBlock, args, first_key, keys);
  }
  for (; head < args.group; ++head) {
    value_heads<1, E>(out + head * args.head_dim, args.scores + head * kKeyBlock, args, first_key, keys);
  }
}

// Merges (m_b, l_b, o_b) of the next block into (m, l, o).
MOEBIUS_INLINE void merge(BlockSum& total, float* o, const BlockSum& block, const float* o_block, int64_t n) {
  const float m = block.m > total.m ? block.m : total.m;
  const float c = fmath::exp(total.m - m);
  const float c_block = fmath::exp(block.m - m);
  for_lanes(n, [&](int64_t i, int64_t count) {
    const F32 scaled = mul(load_lanes(o_block + i, count), set1(c_block));
    store_lanes(o + i, fma(load_lanes(o + i, count), set1(c), scaled), count);
  });
  total = {m, fmath::fma(total.l, c, block.l * c_block)};
}

// One block of keys, for one row: q and out are the row's.
template <Element E>
static void attend_block(BlockSum* totals, const AttendArgs& args, int64_t first_key, int64_t keys) {
  BlockSum blocks[kMostGroup];
  score_block<E>(args, first_key, keys);
  for (int head = 0; head < args.group; ++head) blocks[head] = softmax_block(args.scores + head * kKeyBlock, keys);
  value_block<E>(first_key == 0 ? args.out : args.partial, args, first_key, keys);
  for (int64_t head = 0; head < args.group; ++head) {
    const int64_t at = head * args.head_dim;
    if (first_key == 0) {
      totals[head] = blocks[head];
    } else {
      merge(totals[head], args.out + at, blocks[head], args.partial + at, args.head_dim);
    }
  }
}

// All rows go through a block while it is in the cache.
template <Element E>
static void attend_to(const AttendArgs& args) {
  BlockSum totals[kMostAttending * kMostGroup];
  const int64_t most_positions = args.positions + args.rows - 1;
  for (int64_t first_key = 0; first_key < most_positions; first_key += kKeyBlock) {
    for (int64_t r = 0; r < args.rows; ++r) {
      const int64_t left = args.positions + r - first_key;
      if (left <= 0) continue;
      AttendArgs row = args;
      row.q += r * args.row_stride;
      row.out += r * args.row_stride;
      attend_block<E>(totals + r * args.group, row, first_key, left < kKeyBlock ? left : kKeyBlock);
    }
  }
  for (int64_t r = 0; r < args.rows; ++r) {
    for (int64_t head = 0; head < args.group; ++head) {
      float* out = args.out + r * args.row_stride + head * args.head_dim;
      const F32 l = set1(totals[r * args.group + head].l);
      for_lanes(args.head_dim,
                [&](int64_t i, int64_t count) { store_lanes(out + i, div(load_lanes(out + i, count), l), count); });
    }
  }
}

static void attend(const AttendArgs& args) {
  if (args.kv_element == Element::kF32) {
    attend_to<Element::kF32>(args);
  } else {
    attend_to<Element::kF16>(args);
  }
}

}  // namespace moebius::cpu::MOEBIUS_ISA
