// One switch on the weight format at the launcher, monomorphic blocks below; and what is done with 16 results of a
// block: stored (matmul) or put through SwiGLU and quantized (gate_up).
#pragma once

#include "backend/cpu/kernels/matmul.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::cpu::MOEBIUS_ISA {

using BlocksFunction = void (*)(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows);

template <int R, int N>
MOEBIUS_INLINE BlocksFunction dense_function(const MatrixView& w) {
  switch (w.element) {
    case Element::kBF16:
      return dense_blocks<Element::kBF16, R, N>;
    case Element::kF16:
      return dense_blocks<Element::kF16, R, N>;
    case Element::kF32:
      break;
  }
  return dense_blocks<Element::kF32, R, N>;
}

template <int Bits, int R, int N>
MOEBIUS_INLINE BlocksFunction int8_function(const MatrixView& w) {
  return w.group == 32 ? int8_blocks<Bits, 32, R, N> : int8_blocks<Bits, 64, R, N>;
}

template <int R, int N>
static BlocksFunction blocks_function(const MatrixView& w, bool int8) {
  if (w.bits == 0) return dense_function<R, N>(w);
  if (!int8) return decoded_blocks<R, N>;
  switch (w.bits) {
    case 2:
      return int8_function<2, R, N>(w);
    case 3:
      return int8_function<3, R, N>(w);
    case 4:
      return int8_function<4, R, N>(w);
    case 5:
      return int8_function<5, R, N>(w);
    case 6:
      return int8_function<6, R, N>(w);
    default:
      return int8_function<8, R, N>(w);
  }
}

// Tokens that the next kernel call takes out of n: 1, 2, 3, 4 or 8, as far as this instruction set goes.
constexpr int tokens_at_once(int n) {
  if (n >= kMostTokens) return kMostTokens;
  return n >= 4 ? 4 : n;
}

// The kernel for that many rows and one block of the matrix.
static BlocksFunction one_block(int tokens, const MatrixView& w, bool int8) {
  if constexpr (kMostTokens >= 8) {
    if (tokens == 8) return blocks_function<1, 8>(w, int8);
  }
  if constexpr (kMostTokens >= 4) {
    if (tokens == 4) return blocks_function<1, 4>(w, int8);
    if (tokens == 3) return blocks_function<1, 3>(w, int8);
  }
  if constexpr (kMostTokens >= 2) {
    if (tokens == 2) return blocks_function<1, 2>(w, int8);
  }
  return blocks_function<1, 1>(w, int8);
}

MOEBIUS_INLINE int valid_rows(const MatrixView& w, int block) {
  const int left = w.rows - block * kLanes;
  return left < kLanes ? left : kLanes;
}

static void matmul(const MatmulArgs& args) {
  const MatrixView& w = args.w;
  alignas(64) float y[2 * kMostTokens * kLanes];
  for (int t = 0; t < args.n;) {
    const int tokens = tokens_at_once(args.n - t);
    const BlocksFunction one = one_block(tokens, w, args.int8);
    // One token alone has too few independent sums to hide the latency of a fused multiply-add: two blocks at once.
    const BlocksFunction pair = tokens == 1 && kPairs ? blocks_function<kPairs ? 2 : 1, 1>(w, args.int8) : nullptr;
    for (int i = 0; i < args.block_count;) {
      const int blocks = pair != nullptr && i + 2 <= args.block_count ? 2 : 1;
      const int block = args.first_block + i;
      (blocks == 2 ? pair : one)(y, w.data + block * w.block_bytes, w, args.rows + t);
      for (int r = 0; r < blocks; ++r) {
        const int valid = valid_rows(w, block + r);
        for (int j = 0; j < tokens; ++j) {
          const F32 result = load(y + (r * tokens + j) * kLanes);
          store_lanes(args.out[t + j] + (i + r) * kLanes, result, valid);
        }
      }
      i += blocks;
    }
    t += tokens;
  }
}

// Blocks 4 * chunk .. 4 * chunk + 3 of gate and up: h [tokens][64].
static void gate_up_tokens(float* h, const GateUpArgs& args, int first_token, int tokens) {
  alignas(64) float gate[kMostTokens * kLanes];
  alignas(64) float up[kMostTokens * kLanes];
  const BlocksFunction one = one_block(tokens, args.gate, args.int8);
  for (int i = 0; i < kQuantBlock / kLanes; ++i) {
    const int block = args.chunk * (kQuantBlock / kLanes) + i;
    if (block * kLanes >= args.gate.rows) return;
    one(gate, args.gate.data + block * args.gate.block_bytes, args.gate, args.rows + first_token);
    one(up, args.up.data + block * args.up.block_bytes, args.up, args.rows + first_token);
    for (int t = 0; t < tokens; ++t) {
      const F32 result = mul(silu(load(gate + t * kLanes)), load(up + t * kLanes));
      store(h + t * kQuantBlock + i * kLanes, result);
    }
  }
}

static void gate_up(const GateUpArgs& args) {
  alignas(64) float h[kMostTokens * kQuantBlock];
  const int first = args.chunk * kQuantBlock;
  const int count = args.gate.rows - first < kQuantBlock ? args.gate.rows - first : kQuantBlock;
  for (int t = 0; t < args.n;) {
    const int tokens = tokens_at_once(args.n - t);
    gate_up_tokens(h, args, t, tokens);
    for (int j = 0; j < tokens; ++j) {
      const float* row = h + j * kQuantBlock;
      if (args.h != nullptr) {
        for_lanes(count,
                  [&](int64_t i, int64_t lanes) { store_lanes(args.h[t + j] + first + i, load(row + i), lanes); });
      }
      if (args.quantized != nullptr) {
        const QuantizedOut& out = args.quantized[t + j];
        const QuantizedOut part = {out.q + first, out.scale + args.chunk, out.sum32 + 2 * args.chunk,
                                   out.sum64 + args.chunk};
        quantize_row(part, row, count);
      }
    }
    t += tokens;
  }
}

}  // namespace moebius::cpu::MOEBIUS_ISA
