// How a matrix lies in memory: one layout for every instruction set, repacked once at load, never larger than the
// source but for the last rows.
//
// Blocks of 16 rows, because lanes are rows. A dense block holds, input by input, the 16 weights of its rows. A
// quantized block holds tiles of `group` inputs: the codes of the tile, then 16 scales, then, but for mxfp4, 16 biases
// in their storage dtype. Codes lie in units of min(group, 64) inputs; a unit is Unit / 4 sets of 4 inputs, a set one
// vector of 64 bytes (byte 4 * row + input). The bits of a set are split into planes of 8; 4; 2; 2 + 1; 4 + 1; 4 + 2
// bits, low bits first, and the sets that share a byte of a plane differ by a shift (layout.h): unpacking is at most
// one shift and one mask a plane, on any instruction set. A tile of mxfp4 is 256 + 16 bytes, so most of its lines are
// not those of memory: from memory that costs nothing (docs/performance.md), and scales kept apart would be a second
// stream.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "backend/weights.h"
#include "base/thread_pool.h"

namespace moebius::internal::cpu {

// The name of this layout, in files that keep packed weights: changes with the packed bytes (pack_test.cpp knows them).
constexpr std::string_view kLayoutName = "cpu, blocks of 16 rows, 1";

// Bytes of one packed block of 16 rows.
int64_t block_bytes(const WeightFormat& format, int64_t cols);

// A view of `rows` rows that begin at data; step: blocks from one to the next of this matrix.
MatrixView view_of(const WeightFormat& format, int64_t rows, int64_t cols, const uint8_t* data, int64_t step = 1);

// Reads rows [first, first + count) of a source and packs them at their place in the view, which begins with row
// view_row of the source's `first`. Buffers are kept from call to call: one packer a thread.
class Packer {
 public:
  void pack(const MatrixView& view, const WeightFormat& format, const RowSource& source, int64_t first, int64_t count,
            int64_t view_row);

 private:
  void pack_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count);
  void pack_dense_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count);

  std::vector<std::byte> weights_, scales_, biases_;
  std::vector<uint8_t> codes_;
};

// One row, decoded as N2 defines it: out [cols]. For embedding rows.
void unpack_row(float* out, const MatrixView& view, int64_t row);

}  // namespace moebius::internal::cpu
