// One switch on the weight format at the launcher, monomorphic kernels of one block below; and what is done with 16
// results of a block: stored (matmul) or put through SwiGLU and quantized (gate_up).
#pragma once

#include "backend/cpu/kernels/matmul_f32.h"
#include "backend/cpu/kernels/matmul_int8.h"
#include "backend/cpu/kernels/rows.h"

namespace moebius::cpu::MOEBIUS_ISA {

// y [n][16] = one block of 16 rows times n <= kMostRows rows of activations.
using BlockFunction = void (*)(float* y, const uint8_t* block, const MatrixView& w, const ActivationRow* rows, int n);

static BlockFunction dense_function(Element element, bool one) {
  switch (element) {
    case Element::kBF16:
      return one ? dense_row<Element::kBF16> : dense_rows<Element::kBF16>;
    case Element::kF16:
      return one ? dense_row<Element::kF16> : dense_rows<Element::kF16>;
    case Element::kF32:
      break;
  }
  return one ? dense_row<Element::kF32> : dense_rows<Element::kF32>;
}

// Up to kRowsAtOnce rows by a kernel of their own.
template <int Bits, int Unit, int N = kRowsAtOnce>
MOEBIUS_INLINE BlockFunction int8_function(int n) {
  if constexpr (N == 1) {
    return n == 1 ? int8_row<Bits, Unit> : int8_block<Bits, Unit, 0>;
  } else {
    return n == N ? int8_block<Bits, Unit, N> : int8_function<Bits, Unit, N - 1>(n);
  }
}

template <int Bits, int Unit>
MOEBIUS_INLINE BlockFunction affine_function(bool int8, int n) {
  if (int8) return int8_function<Bits, Unit>(n);
  return n == 1 ? decoded_row<Bits, Unit> : decoded_rows<Bits, Unit>;
}

template <int Bits>
static BlockFunction affine_function(int group, bool int8, int n) {
  return group == 32 ? affine_function<Bits, 32>(int8, n) : affine_function<Bits, 64>(int8, n);
}

static BlockFunction block_function(const MatrixView& w, bool int8, int n) {
  switch (w.bits) {
    case 0:
      return dense_function(w.element, n == 1);
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

MOEBIUS_INLINE int valid_rows(const MatrixView& w, int block) {
  const int left = w.rows - block * kLanes;
  return left < kLanes ? left : kLanes;
}

static void matmul(const MatmulArgs& args) {
  const MatrixView& w = args.w;
  alignas(64) float y[kMostRows * kLanes];
  for (int first = 0; first < args.n; first += kMostRows) {
    const int n = args.n - first < kMostRows ? args.n - first : kMostRows;
    const BlockFunction run = block_function(w, args.int8, n);
    for (int i = 0; i < args.block_count; ++i) {
      const int block = args.first_block + i;
      run(y, w.data + block * w.block_bytes, w, args.rows + first, n);
      for (int t = 0; t < n; ++t) {
        store_lanes(args.out[first + t] + i * kLanes, load(y + t * kLanes), valid_rows(w, block));
      }
    }
  }
}

// Blocks 4 * chunk .. 4 * chunk + 3 of gate and up: h [n][64].
static void gate_up_rows(float* h, const GateUpArgs& args, const ActivationRow* rows, int n) {
  alignas(64) float gate[kMostRows * kLanes];
  alignas(64) float up[kMostRows * kLanes];
  const BlockFunction run = block_function(args.gate, args.int8, n);
  for (int i = 0; i < kQuantBlock / kLanes; ++i) {
    const int block = args.chunk * (kQuantBlock / kLanes) + i;
    if (block * kLanes >= args.gate.rows) return;
    run(gate, args.gate.data + block * args.gate.block_bytes, args.gate, rows, n);
    run(up, args.up.data + block * args.up.block_bytes, args.up, rows, n);
    for (int t = 0; t < n; ++t) {
      const F32 result = mul(silu(load(gate + t * kLanes)), load(up + t * kLanes));
      store(h + t * kQuantBlock + i * kLanes, result);
    }
  }
}

static void gate_up(const GateUpArgs& args) {
  alignas(64) float h[kMostRows * kQuantBlock];
  const int first = args.chunk * kQuantBlock;
  const int count = args.gate.rows - first < kQuantBlock ? args.gate.rows - first : kQuantBlock;
  for (int first_row = 0; first_row < args.n; first_row += kMostRows) {
    const int n = args.n - first_row < kMostRows ? args.n - first_row : kMostRows;
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

}  // namespace moebius::cpu::MOEBIUS_ISA
