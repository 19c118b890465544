// Packs a matrix once at load. One layout serves every instruction set (kernels/layout.h draws it). A packed matrix is
// never larger than its source, except that its last block is filled up to 16 rows.
//
// Blocks have 16 rows because lanes are rows. Scales and biases keep their storage dtype. Codes of 8, 4, 2, 3, 5 and 6
// bits are split into planes of 8; 4; 2; 2 + 1; 4 + 1; 4 + 2 bits, low bits first. Unpacking then takes at most one
// shift and one mask a plane, on any instruction set. A tile of mxfp4 has 256 + 16 bytes, so most of its lines lie
// across two cache lines. That costs nothing when weights come from memory (docs/performance.md). The rejected option,
// scales apart from the codes, would be a second stream.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "backend/weights.h"
#include "base/thread_pool.h"

namespace moebius::internal::cpu {

// The name of this layout in files that keep packed weights. It must change whenever the packed bytes change;
// pack_test.cpp checks that.
constexpr std::string_view kLayoutName = "cpu, blocks of 16 rows, 1";

// Bytes of one packed block of 16 rows.
int64_t block_bytes(const WeightFormat& format, int64_t cols);

// A view of `rows` rows that begin at `data`. step: blocks from a block of this matrix to its next one.
MatrixView view_of(const WeightFormat& format, int64_t rows, int64_t cols, const uint8_t* data, int64_t step = 1);

// Packs rows of weights. A packer keeps its buffers from call to call, so each thread has its own.
class Packer {
 public:
  // Reads the rows [first, first + count) of a source and packs them as the rows of the view from `view_row` on.
  void pack(const MatrixView& view, const WeightFormat& format, const RowSource& source, int64_t first, int64_t count,
            int64_t view_row);

 private:
  void pack_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count);
  void pack_dense_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count);

  std::vector<std::byte> weights_, scales_, biases_;
  std::vector<uint8_t> codes_;
};

// Decodes one row as N2 defines it: out [cols]. Used for embedding rows.
void unpack_row(float* out, const MatrixView& view, int64_t row);

}  // namespace moebius::internal::cpu
