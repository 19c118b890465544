// Projections of the same rows: one work list over the 16-row blocks of all matrices.
#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::cpu {
namespace {

constexpr int kItemBlocks = 4;  // blocks of one item: about 57 KB at 3 bits and 2048 inputs

}  // namespace

void CpuBackend::linear(std::span<const Projection> projections, Tensor x) {
  constexpr size_t kMostProjections = 8;
  MOEBIUS_CHECK(!projections.empty() && projections.size() <= kMostProjections);
  int64_t first_item[kMostProjections + 1] = {0};
  bool int8 = false;
  for (size_t p = 0; p < projections.size(); ++p) {
    const PackedMatrix& w = matrix(projections[p].weight);
    MOEBIUS_CHECK(w.view.cols == x.cols && w.view.rows == projections[p].out.cols && projections[p].out.rows == x.rows);
    first_item[p + 1] = first_item[p] + div_up(div_up(w.view.rows, kLanes), kItemBlocks);
    int8 = int8 || w.int8;
    traffic_.weight_bytes += w.memory.bytes;
    if (w.int8) traffic_.int8_macs += x.rows * w.view.rows * w.view.cols;
  }
  prepare_rows(x, int8);
  for_each(first_item[projections.size()], [&](int64_t item, int) {
    size_t p = 0;
    while (item >= first_item[p + 1]) ++p;
    const PackedMatrix& w = matrix(projections[p].weight);
    const Tensor& out = projections[p].out;
    const int64_t first_block = (item - first_item[p]) * kItemBlocks;
    const int64_t blocks = std::min<int64_t>(kItemBlocks, div_up(w.view.rows, kLanes) - first_block);
    float* pointers[kMostRows];
    for (int64_t row = 0; row < x.rows; row += kMostRows) {
      const int64_t n = std::min<int64_t>(kMostRows, x.rows - row);
      for (int64_t t = 0; t < n; ++t) pointers[t] = out.row(row + t) + first_block * kLanes;
      kernels_->matmul({.w = w.view,
                        .rows = x_rows_.data() + row,
                        .out = pointers,
                        .n = static_cast<int32_t>(n),
                        .first_block = static_cast<int32_t>(first_block),
                        .block_count = static_cast<int32_t>(blocks),
                        .int8 = w.int8});
    }
  });
}

}  // namespace moebius::cpu
