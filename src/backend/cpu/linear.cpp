// Projections of the same rows. One work list covers the blocks of all matrices.
#include <algorithm>

#include "backend/cpu/operations.h"
#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal::cpu {
namespace {

constexpr int kItemBlocks = 4;  // blocks of one item of work: about 57 KB at 3 bits and 2048 inputs
constexpr size_t kMaxProjections = 8;

// Multiplies the blocks of one item, from block `first` on, with all rows of activations.
void multiply_item(const Projection& projection, const PackedMatrix& w, const ActivationRow* rows, int64_t first,
                   const KernelTable& kernels) {
  const Tensor& out = projection.out.x;
  const bool adds = projection.out.write == Write::kAdd;
  const int64_t blocks = std::min<int64_t>(kItemBlocks, div_up(w.view.rows, kLanes) - first);
  const int64_t outputs = std::min<int64_t>(blocks * kLanes, w.view.rows - first * kLanes);
  alignas(64) float products[kMaxRows * kItemBlocks * kLanes];
  float* pointers[kMaxRows];
  for (int64_t row = 0; row < out.rows; row += kMaxRows) {
    const int64_t n = std::min<int64_t>(kMaxRows, out.rows - row);
    const auto target = [&](int64_t t) { return moebius::internal::row(out, row + t) + first * kLanes; };
    for (int64_t t = 0; t < n; ++t) pointers[t] = adds ? products + t * kItemBlocks * kLanes : target(t);
    kernels.matmul({.w = w.view,
                    .rows = rows + row,
                    .out = pointers,
                    .n = static_cast<int32_t>(n),
                    .first_block = static_cast<int32_t>(first),
                    .block_count = static_cast<int32_t>(blocks),
                    .int8 = w.int8});
    for (int64_t t = 0; adds && t < n; ++t) kernels.add(target(t), pointers[t], outputs);
  }
}

}  // namespace

void CpuOperations::linear(std::span<const Projection> projections, const Input& x) {
  bool takes_int8 = false;
  for (const Projection& projection : projections) {
    const PackedMatrix& w = weights_.matrix(projection.weight);
    MOEBIUS_CHECK(w.view.cols == x.x.cols && w.view.rows == projection.out.x.cols && projection.out.x.rows == x.x.rows);
    takes_int8 = takes_int8 || w.int8;
  }
  multiply(projections, input_.prepare(x, takes_int8 ? InputRows::Form::kF32AndInt8 : InputRows::Form::kF32));
}

void CpuOperations::multiply(std::span<const Projection> projections, std::span<const ActivationRow> rows) {
  MOEBIUS_CHECK(!projections.empty() && projections.size() <= kMaxProjections);
  int64_t first_item[kMaxProjections + 1] = {0};
  for (size_t p = 0; p < projections.size(); ++p) {
    const PackedMatrix& w = weights_.matrix(projections[p].weight);
    first_item[p + 1] = first_item[p] + div_up(div_up(w.view.rows, kLanes), kItemBlocks);
    traffic_.weight_bytes += w.memory.bytes;
    if (w.int8) traffic_.int8_macs += std::ssize(rows) * w.view.rows * w.view.cols;
  }
  workers_.for_each(first_item[projections.size()], [&](int64_t item, int) {
    size_t p = 0;
    while (item >= first_item[p + 1]) ++p;
    const int64_t first_block = (item - first_item[p]) * kItemBlocks;
    multiply_item(projections[p], weights_.matrix(projections[p].weight), rows.data(), first_block, workers_.kernels);
  });
}

}  // namespace moebius::internal::cpu
