// The launchers of the matmul kernels. A launcher switches once on the weight format; the kernels below it are
// monomorphic and work on pairs of blocks. matmul() stores the results. gate_up() puts them through SwiGLU, and stores
// or quantizes them.
#pragma once

#include "backend/cpu/kernels/matmul_f32.h"
#include "backend/cpu/kernels/matmul_int8.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::internal::cpu::MOEBIUS_ISA {

// y [n][2][16] = a pair of blocks times n <= kMaxRows rows of activations.
using PairFunction = void (*)(float* y, const BlockPair& blocks, const MatrixView& w, const ActivationRow* rows, int n);

// Runs a kernel of one block on both blocks. Such a kernel has a fixed number of rows of activations.
using BlockFunction = void (*)(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows);
template <BlockFunction Run>
static void each_block(float* y, const BlockPair& blocks, const MatrixView& w, const ActivationRow* rows, int) {
  Run(y, blocks.first, w, rows);
  if (blocks.second != blocks.first) Run(y + kLanes, blocks.second, w, rows);
}

static PairFunction dense_function(Element element, bool one) {
  switch (element) {
    case Element::kBF16:
      return one ? each_block<dense_row<Element::kBF16>> : dense_pair<Element::kBF16>;
    case Element::kF16:
      return one ? each_block<dense_row<Element::kF16>> : dense_pair<Element::kF16>;
    case Element::kF32:
    case Element::kE8M0:  // only scales have this type, never dense weights
      break;
  }
  return one ? each_block<dense_row<Element::kF32>> : dense_pair<Element::kF32>;
}

// The kernel for n rows of activations. Each n up to kRowsAtOnce has a kernel of its own.
template <class Format, int Unit, int N = kRowsAtOnce>
MOEBIUS_INLINE PairFunction int8_function(int n) {
  if constexpr (N == 0) {
    return int8_pair<Format, Unit>;
  } else {
    return n == N ? each_block<int8_block<Format, Unit, N>> : int8_function<Format, Unit, N - 1>(n);
  }
}

template <class Format, int Unit>
MOEBIUS_INLINE PairFunction quantized_function(bool int8, int n) {
  if (int8) return int8_function<Format, Unit>(n);
  return n == 1 ? each_block<decoded_row<Format, Unit>> : decoded_pair<Format, Unit>;
}

template <int Bits>
static PairFunction affine_function(int group, bool int8, int n) {
  return group == 32 ? quantized_function<Affine<Bits>, 32>(int8, n) : quantized_function<Affine<Bits>, 64>(int8, n);
}

static PairFunction pair_function(const MatrixView& w, bool int8, int n) {
  if (w.bits == 0) return dense_function(w.element, n == 1);
  if (w.element == Element::kE8M0) return quantized_function<Mxfp4, 32>(int8, n);
  switch (w.bits) {
    case 2:
      return affine_function<2>(w.group, int8, n);
    case 3:
      return affine_function<3>(w.group, int8, n);
    case 4:
      return affine_function<4>(w.group, int8, n);
    case 5:
      return affine_function<5>(w.group, int8, n);
    case 6:
      return affine_function<6>(w.group, int8, n);
    default:
      return affine_function<8>(w.group, int8, n);
  }
}

// The number of rows of w in the `blocks` blocks from `block` on.
MOEBIUS_INLINE int valid_rows(const MatrixView& w, int block, int blocks) {
  const int left = w.rows - block * kLanes;
  return left < blocks * kLanes ? left : blocks * kLanes;
}

static void matmul(const MatmulArgs& args) {
  const MatrixView& w = args.w;
  alignas(64) float y[kMaxRows * kPairLanes];
  for (int first = 0; first < args.n; first += kMaxRows) {
    const int n = args.n - first < kMaxRows ? args.n - first : kMaxRows;
    const PairFunction run = pair_function(w, args.int8, n);
    for (int i = 0; i < args.block_count; i += 2) {
      const int block = args.first_block + i;
      const int blocks = i + 1 == args.block_count ? 1 : 2;
      const uint8_t* data = w.data + block * w.block_bytes;
      run(y, {data, data + (blocks - 1) * w.block_bytes}, w, args.rows + first, n);
      const int count = valid_rows(w, block, blocks);
      for (int t = 0; t < n; ++t) {
        float* out = args.out[first + t] + i * kLanes;
        const float* row = y + t * kPairLanes;
        for_lanes(count, [&](int64_t j, int64_t lanes) { store_lanes(out + j, load(row + j), lanes); });
      }
    }
  }
}

// SwiGLU of the blocks 4 * chunk .. 4 * chunk + 3 of gate and up: h [n][64].
static void gate_up_rows(float* h, const GateUpArgs& args, const ActivationRow* rows, int n) {
  alignas(64) float y[kMaxRows * kPairLanes];
  const PairFunction run = pair_function(args.gate, args.int8, n);
  for (int i = 0; i < kQuantBlock / kLanes; ++i) {
    const int64_t block = args.chunk * (kQuantBlock / kLanes) + i;
    if (block * kLanes >= args.gate.rows) return;
    const int64_t offset = block * args.gate.block_bytes;
    run(y, {args.gate.data + offset, args.up.data + offset}, args.gate, rows, n);
    for (int t = 0; t < n; ++t) {
      const float* row = y + t * kPairLanes;
      store(h + t * kQuantBlock + i * kLanes, mul(silu(load(row)), load(row + kLanes)));
    }
  }
}

static void gate_up(const GateUpArgs& args) {
  alignas(64) float h[kMaxRows * kQuantBlock];
  const int first = args.chunk * kQuantBlock;
  const int count = args.gate.rows - first < kQuantBlock ? args.gate.rows - first : kQuantBlock;
  for (int first_row = 0; first_row < args.n; first_row += kMaxRows) {
    const int n = args.n - first_row < kMaxRows ? args.n - first_row : kMaxRows;
    gate_up_rows(h, args, args.rows + first_row, n);
    for (int t = 0; t < n; ++t) {
      const float* row = h + t * kQuantBlock;
      if (args.h != nullptr) {
        float* out = args.h[first_row + t] + first;
        for_lanes(count, [&](int64_t i, int64_t lanes) { store_lanes(out + i, load(row + i), lanes); });
      }
      if (args.quantized != nullptr) {
        const QuantizedOut& out = args.quantized[first_row + t];
        const QuantizedOut part = {out.q + first, out.scale + args.chunk, out.sum32 + 2 * args.chunk,
                                   out.sum64 + args.chunk};
        quantize_row(part, row, count);
      }
    }
  }
}

}  // namespace moebius::internal::cpu::MOEBIUS_ISA
