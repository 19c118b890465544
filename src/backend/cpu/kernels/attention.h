// Attention of a few tokens over their keys. Keys come in blocks of 256 absolute positions; the results of the blocks
// are merged in ascending order (N7).
#pragma once

#include "backend/cpu/kernels/math.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

constexpr int kFour = 4;                     // heads, and keys, whose dot products are reduced together
constexpr int kSumKeys = 8;                  // keys whose values are summed while they are in the near caches
constexpr int kHeadsAtOnce = kRowsAtOnce;    // query heads that share values while they are in registers
constexpr int kVectorsAtOnce = kRowsAtOnce;  // vectors of 16 value elements that each of those heads sums at once
constexpr int64_t kKeysAhead = 32;           // how many keys ahead keys are prefetched: a multiple of kFour
constexpr int64_t kValuesAhead = 16;         // how many keys ahead values are prefetched: a multiple of kSumKeys

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

template <Element E>
constexpr int64_t kBytes = E == Element::kF32 ? 4 : 2;

// Loads 16 elements from element i on. If `Ahead` is set, it also prefetches the memory `ahead` bytes further on, where
// the next rows lie.
template <Element E, bool Ahead>
MOEBIUS_INLINE F32 load_streamed(const void* base, int64_t i, int64_t ahead) {
  if constexpr (Ahead) prefetch(static_cast<const uint8_t*>(base) + i * kBytes<E> + ahead);
  return load_cached<E>(base, i);
}

// The keys of one page that a row sees.
struct KeyBlock {
  const uint8_t* k;   // [kKeyBlock, head_dim]
  const uint8_t* v;   // [kKeyBlock, head_dim]
  int64_t first_key;  // position of the first key
  int64_t keys;       // number of keys
  int64_t next;       // bytes from this page to the next page; 0: there is no next page
};

// Bytes from key `key` to the key `rows` further on, which may lie in the next page.
MOEBIUS_INLINE int64_t bytes_ahead(const KeyBlock& block, int64_t key, int64_t rows, int64_t row_bytes) {
  return key + rows < kKeyBlock ? rows * row_bytes : block.next + (rows - kKeyBlock) * row_bytes;
}

// Partial sums of the dot products of `Keys` keys with four queries. The struct is nested for the reason given at
// RowSums in matmul_int8.h.
template <int Keys>
struct KeyDots {
  F32 a = zero(), b = zero(), c = zero(), d = zero();
  KeyDots<Keys - 1> others;

  // Adds the products of elements i .. i + 15. q: element i of the first head; k: the keys, whose first has its element
  // at i; stride: from a head to the next, and from a key to the next; ahead: see load_streamed().
  template <Element E, bool Ahead>
  MOEBIUS_INLINE_MEMBER void add(const float* q, const void* k, int64_t i, int64_t stride, int64_t ahead) {
    const F32 key = load_streamed<E, Ahead>(k, i, ahead);
    a = fma(load(q), key, a);
    b = fma(load(q + stride), key, b);
    c = fma(load(q + 2 * stride), key, c);
    d = fma(load(q + 3 * stride), key, d);
    others.template add<E, Ahead>(q, k, i + stride, stride, ahead);
  }
  template <Element E>
  MOEBIUS_INLINE_MEMBER void add_first(const float* q, const void* k, int64_t i, int64_t stride, int64_t count) {
    const F32 key = load_cached_first<E>(k, i, count);
    a = fma_first(load_first(q, count), key, a, count);
    b = fma_first(load_first(q + stride, count), key, b, count);
    c = fma_first(load_first(q + 2 * stride, count), key, c, count);
    d = fma_first(load_first(q + 3 * stride, count), key, d, count);
    others.template add_first<E>(q, k, i + stride, stride, count);
  }
  // Does the first half of the tree of N5. Each key becomes one vector, with four lanes for each head.
  MOEBIUS_INLINE_MEMBER void fold_into(F32* folded) const {
    *folded = fold<4>(fold<8>(a, b), fold<8>(c, d));
    others.fold_into(folded + 1);
  }
};
template <>
struct KeyDots<0> {
  template <Element E, bool Ahead>
  MOEBIUS_INLINE_MEMBER void add(const float*, const void*, int64_t, int64_t, int64_t) {}
  template <Element E>
  MOEBIUS_INLINE_MEMBER void add_first(const float*, const void*, int64_t, int64_t, int64_t) {}
  MOEBIUS_INLINE_MEMBER void fold_into(F32*) const {}
};

// Dot products of four keys with four heads, in lane 4 * head + key. The first key begins at element `at`.
template <Element E, bool Ahead>
MOEBIUS_INLINE F32 dots_of_four(const float* q, const void* k, int64_t at, int64_t head_dim, int64_t ahead) {
  F32 folded[kFour];
  for (int key = 0; key < kFour; key += kKeysAtOnce) {
    KeyDots<kKeysAtOnce> dots;
    const int64_t first = at + key * head_dim;
    int64_t i = 0;
    for (; i + 16 <= head_dim; i += 16) dots.template add<E, Ahead>(q + i, k, first + i, head_dim, ahead);
    if (const int64_t rest = head_dim - i; rest > 0) {
      dots.template add_first<E>(q + i, k, first + i, head_dim, rest);
    }
    dots.fold_into(folded + key);
  }
  return fold<1>(fold<2>(folded[0], folded[1]), fold<2>(folded[2], folded[3]));
}

template <Element E>
static float dot_of_one(const float* q, const void* k, int64_t at, int64_t head_dim, int64_t ahead) {
  F32 lanes = zero();
  int64_t i = 0;
  for (; i + 16 <= head_dim; i += 16) {
    lanes = fma(load(q + i), load_streamed<E, true>(k, at + i, ahead), lanes);
  }
  if (const int64_t rest = head_dim - i; rest > 0) {
    lanes = fma_first(load_first(q + i, rest), load_cached_first<E>(k, at + i, rest), lanes, rest);
  }
  return sum_of_lanes(lanes);
}

// scores[h][key] = dot(q[h], k[key]) * scale for four heads and four keys of a block.
template <Element E, bool Ahead>
static void score_four(const AttendArgs& args, int64_t head, const KeyBlock& block, int64_t key) {
  const int64_t head_dim = args.head_dim;
  const int64_t ahead = bytes_ahead(block, key, kKeysAhead, head_dim * kBytes<E>);
  const F32 dots = dots_of_four<E, Ahead>(args.q + head * head_dim, block.k, key * head_dim, head_dim, ahead);
  alignas(64) float scores[16];
  store(scores, mul(dots, set1(args.scale)));
  for (int64_t h = 0; h < kFour; ++h) {
    __builtin_memcpy(args.scores + (head + h) * kKeyBlock + key, scores + kFour * h, kFour * sizeof(float));
  }
}

// Scores of all heads of the group. Four keys are taken at a time, so that each key is read once.
template <Element E>
static void score_block(const AttendArgs& args, const KeyBlock& block) {
  const int64_t head_dim = args.head_dim;
  const auto score_one = [&](int64_t head, int64_t key) {
    const int64_t ahead = bytes_ahead(block, key, kKeysAhead, head_dim * kBytes<E>);
    args.scores[head * kKeyBlock + key] =
        dot_of_one<E>(args.q + head * head_dim, block.k, key * head_dim, head_dim, ahead) * args.scale;
  };
  int64_t key = 0;
  for (; key + kFour <= block.keys; key += kFour) {
    int64_t head = 0;
    if (head + kFour <= args.group) {
      score_four<E, true>(args, head, block, key);
      head += kFour;
    }
    for (; head + kFour <= args.group; head += kFour) score_four<E, false>(args, head, block, key);
    for (; head < args.group; ++head) {
      for (int64_t k = key; k < key + kFour; ++k) score_one(head, k);
    }
  }
  for (; key < block.keys; ++key) {
    for (int64_t head = 0; head < args.group; ++head) score_one(head, key);
  }
}

struct BlockSum {
  float m, l;
};

// Replaces the scores s by p = exp(s - m). Returns m and l of N7.
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

// The weighted sums of `Vectors` * 16 elements of the values, for `Heads` heads. The struct is nested for the same
// reason as KeyDots.
template <int Heads, int Vectors>
struct ValueSums {
  F32 first;
  ValueSums<1, Vectors - 1> elements;  // the other vectors of this head
  ValueSums<Heads - 1, Vectors> heads;

  // out: the sums of the first head and vector; stride: from a head to the next.
  MOEBIUS_INLINE_MEMBER void start(const float* out, int64_t stride) {
    first = load(out);
    elements.start(out + 16, stride);
    heads.start(out + stride, stride);
  }
  // p: the weight in the first head; v, i: the values and the element where the first vector begins; ahead: see
  // load_streamed().
  template <Element E, bool Ahead>
  MOEBIUS_INLINE_MEMBER void add(const float* p, const void* v, int64_t i, int64_t ahead) {
    first = fma(set1(*p), load_streamed<E, Ahead>(v, i, ahead), first);
    elements.template add<E, Ahead>(p, v, i + 16, ahead);
    heads.template add<E, false>(p + kKeyBlock, v, i, ahead);
  }
  MOEBIUS_INLINE_MEMBER void finish(float* out, int64_t stride) const {
    store(out, first);
    elements.finish(out + 16, stride);
    heads.finish(out + stride, stride);
  }
};
template <int Vectors>
struct ValueSums<0, Vectors> {
  MOEBIUS_INLINE_MEMBER void start(const float*, int64_t) {}
  template <Element E, bool Ahead>
  MOEBIUS_INLINE_MEMBER void add(const float*, const void*, int64_t, int64_t) {}
  MOEBIUS_INLINE_MEMBER void finish(float*, int64_t) const {}
};
template <int Heads>
struct ValueSums<Heads, 0> {
  MOEBIUS_INLINE_MEMBER void start(const float*, int64_t) {}
  template <Element E, bool Ahead>
  MOEBIUS_INLINE_MEMBER void add(const float*, const void*, int64_t, int64_t) {}
  MOEBIUS_INLINE_MEMBER void finish(float*, int64_t) const {}
};

// The values of a few keys of a block, and the sums so far: out[h][d] += p[h] * v[d], keys ascending.
struct ValueRows {
  float* out;      // [group, head_dim]
  const float* p;  // [group, 256], beginning with the weight of the first key
  const void* v;
  int64_t at;     // element of v where the first key begins
  int64_t ahead;  // see load_streamed()
  int64_t keys, head_dim;
};

template <int Heads, int Vectors, Element E, bool Ahead>
MOEBIUS_INLINE void add_columns(const ValueRows& rows, int64_t head, int64_t d) {
  ValueSums<Heads, Vectors> sums;
  float* out = rows.out + head * rows.head_dim + d;
  const float* p = rows.p + head * kKeyBlock;
  sums.start(out, rows.head_dim);
  for (int64_t key = 0; key < rows.keys; ++key) {
    sums.template add<E, Ahead>(p + key, rows.v, rows.at + key * rows.head_dim + d, rows.ahead);
  }
  sums.finish(out, rows.head_dim);
}

// Adds up Vectors * 16 columns from d on, for all heads.
template <int Vectors, Element E>
static void add_all_heads(const ValueRows& rows, int64_t group, int64_t d) {
  int64_t head = 0;
  if (head + kHeadsAtOnce <= group) {
    add_columns<kHeadsAtOnce, Vectors, E, true>(rows, head, d);
    head += kHeadsAtOnce;
  }
  for (; head + kHeadsAtOnce <= group; head += kHeadsAtOnce) {
    add_columns<kHeadsAtOnce, Vectors, E, false>(rows, head, d);
  }
  for (; head < group; ++head) add_columns<1, Vectors, E, true>(rows, head, d);
}

// Adds up the last columns, fewer than 16, for all heads.
template <Element E>
static void add_rest(const ValueRows& rows, int64_t group, int64_t d) {
  const int64_t rest = rows.head_dim - d;
  for (int64_t head = 0; head < group; ++head) {
    float* out = rows.out + head * rows.head_dim + d;
    F32 sum = load_first(out, rest);
    for (int64_t key = 0; key < rows.keys; ++key) {
      const F32 v = load_cached_first<E>(rows.v, rows.at + key * rows.head_dim + d, rest);
      sum = fma(set1(rows.p[head * kKeyBlock + key]), v, sum);
    }
    store_first(out, sum, rest);
  }
}

// Weighted sums of the values for all heads of the group: out [group, head_dim]. A few keys are taken at a time, so
// that each value is read once.
template <Element E>
static void value_block(float* out, const AttendArgs& args, const KeyBlock& block) {
  constexpr int64_t kElements = 16 * kVectorsAtOnce;
  for (int64_t i = 0; i < args.group * args.head_dim; ++i) out[i] = 0;
  for (int64_t key = 0; key < block.keys; key += kSumKeys) {
    const int64_t count = block.keys - key < kSumKeys ? block.keys - key : kSumKeys;
    const int64_t ahead = bytes_ahead(block, key, kValuesAhead, args.head_dim * kBytes<E>);
    const ValueRows rows = {out, args.scores + key, block.v, key * args.head_dim, ahead, count, args.head_dim};
    int64_t d = 0;
    for (; d + kElements <= args.head_dim; d += kElements) add_all_heads<kVectorsAtOnce, E>(rows, args.group, d);
    for (; d + 16 <= args.head_dim; d += 16) add_all_heads<1, E>(rows, args.group, d);
    if (d < args.head_dim) add_rest<E>(rows, args.group, d);
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

// Attends to one block of keys, for one row. args.q and args.out are those of the row.
template <Element E>
static void attend_block(BlockSum* totals, const AttendArgs& args, const KeyBlock& block) {
  const bool is_first = block.first_key == 0;
  BlockSum sums[kMaxGroup];
  score_block<E>(args, block);
  for (int head = 0; head < args.group; ++head) sums[head] = softmax_block(args.scores + head * kKeyBlock, block.keys);
  value_block<E>(is_first ? args.out : args.partial, args, block);
  for (int64_t head = 0; head < args.group; ++head) {
    const int64_t at = head * args.head_dim;
    if (is_first) {
      totals[head] = sums[head];
    } else {
      merge(totals[head], args.out + at, sums[head], args.partial + at, args.head_dim);
    }
  }
}

// Attends to all blocks. All rows go through a block while it is in the cache.
template <Element E>
static void attend_to(const AttendArgs& args) {
  BlockSum totals[kMaxAttending * kMaxGroup];
  const int64_t most_positions = args.positions + args.rows - 1;
  for (int64_t first_key = 0; first_key < most_positions; first_key += kKeyBlock) {
    const uint8_t* const* page = args.pages + first_key / kKeyBlock;
    const int64_t next = first_key + kKeyBlock < most_positions ? page[1] - page[0] : 0;
    for (int64_t r = 0; r < args.rows; ++r) {
      const int64_t left = args.positions + r - first_key;
      if (left <= 0) continue;
      AttendArgs row = args;
      row.q += r * args.row_stride;
      row.out += r * args.row_stride;
      attend_block<E>(totals + r * args.group, row,
                      {.k = *page + args.keys_at,
                       .v = *page + args.values_at,
                       .first_key = first_key,
                       .keys = left < kKeyBlock ? left : kKeyBlock,
                       .next = next});
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

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
