// Attention of one token over its keys, in blocks of 256 absolute positions, merged in ascending order (N7).
#pragma once

#include "backend/cpu/kernels/math.h"

namespace moebius::cpu::MOEBIUS_ISA {

constexpr int kKeyBlock = 256;
constexpr int kHeadsAtOnce = 4;  // query heads that share a key row while it is in registers

MOEBIUS_INLINE F32 load_cached(const void* base, int64_t i, Element element, int64_t count) {
  if (element == Element::kF32) return load_lanes(static_cast<const float*>(base) + i, count);
  const uint16_t* p = static_cast<const uint16_t*>(base) + i;
  if (count == 16) return load_f16(p);
  uint16_t padded[16] = {};
  for (int64_t j = 0; j < count; ++j) padded[j] = p[j];
  return load_f16(padded);
}

// scores[h][key] = dot(q[h], k[key]) * scale for `heads` heads and the keys of one block.
template <int Heads>
static void score_block(float* scores, const AttendArgs& args, int head, int64_t first_key, int64_t keys) {
  const float* q = args.q + int64_t{head} * args.head_dim;
  for (int64_t key = 0; key < keys; ++key) {
    const int64_t base = (first_key + key) * args.stride;
    F32 lanes[Heads];
    for (int h = 0; h < Heads; ++h) lanes[h] = zero();
    for_lanes(args.head_dim, [&](int64_t i, int64_t count) {
      const F32 k = load_cached(args.k, base + i, args.kv_element, count);
      for (int h = 0; h < Heads; ++h) {
        const F32 qh = load_lanes(q + h * args.head_dim + i, count);
        lanes[h] = count == 16 ? fma(qh, k, lanes[h]) : fma_first(qh, k, lanes[h], count);
      }
    });
    for (int h = 0; h < Heads; ++h) scores[(head + h) * kKeyBlock + key] = sum_of_lanes(lanes[h]) * args.scale;
  }
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

// out[d] = sum over the keys of p * v[d], keys ascending; Vectors * 16 elements of d at a time.
template <int Vectors>
static void value_columns(float* out, const float* p, const AttendArgs& args, int64_t first_key, int64_t keys,
                          int64_t d) {
  F32 acc[Vectors];
  for (int j = 0; j < Vectors; ++j) acc[j] = zero();
  for (int64_t key = 0; key < keys; ++key) {
    const int64_t base = (first_key + key) * args.stride + d;
    const F32 weight = set1(p[key]);
    for (int j = 0; j < Vectors; ++j)
      acc[j] = fma(weight, load_cached(args.v, base + 16 * j, args.kv_element, 16), acc[j]);
  }
  for (int j = 0; j < Vectors; ++j) store(out + d + 16 * j, acc[j]);
}

static void value_block(float* out, const float* p, const AttendArgs& args, int64_t first_key, int64_t keys) {
  int64_t d = 0;
  for (; d + 128 <= args.head_dim; d += 128) value_columns<8>(out, p, args, first_key, keys, d);
  for (; d + 16 <= args.head_dim; d += 16) value_columns<1>(out, p, args, first_key, keys, d);
  const int64_t rest = args.head_dim - d;
  if (rest == 0) return;
  F32 acc = zero();
  for (int64_t key = 0; key < keys; ++key) {
    const F32 v = load_cached(args.v, (first_key + key) * args.stride + d, args.kv_element, rest);
    acc = fma(set1(p[key]), v, acc);
  }
  store_first(out + d, acc, rest);
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

static void score_heads(float* scores, const AttendArgs& args, int64_t first_key, int64_t keys) {
  int head = 0;
  for (; head + kHeadsAtOnce <= args.group; head += kHeadsAtOnce) {
    score_block<kHeadsAtOnce>(scores, args, head, first_key, keys);
  }
  for (; head < args.group; ++head) score_block<1>(scores, args, head, first_key, keys);
}

static void attend(const AttendArgs& args) {
  constexpr int kMostHeads = 64;
  BlockSum totals[kMostHeads];
  for (int64_t first_key = 0; first_key < args.positions; first_key += kKeyBlock) {
    const int64_t left = args.positions - first_key;
    const int64_t keys = left < kKeyBlock ? left : kKeyBlock;
    score_heads(args.scores, args, first_key, keys);
    for (int head = 0; head < args.group; ++head) {
      float* scores = args.scores + head * kKeyBlock;
      float* out = args.out + int64_t{head} * args.head_dim;
      const BlockSum block = softmax_block(scores, keys);
      if (first_key == 0) {
        value_block(out, scores, args, first_key, keys);
        totals[head] = block;
      } else {
        value_block(args.partial, scores, args, first_key, keys);
        merge(totals[head], out, block, args.partial, args.head_dim);
      }
    }
  }
  for (int head = 0; head < args.group; ++head) {
    float* out = args.out + int64_t{head} * args.head_dim;
    for_lanes(args.head_dim, [&](int64_t i, int64_t count) {
      store_lanes(out + i, div(load_lanes(out + i, count), set1(totals[head].l)), count);
    });
  }
}

}  // namespace moebius::cpu::MOEBIUS_ISA
