// Slices of checkpoint tensors as rows.
#include "model/row_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "moebius/error.h"
#include "quant/mxfp4.h"

namespace moebius::internal {
namespace {

std::byte* advance(std::byte* data, int64_t bytes) { return data ? data + bytes : nullptr; }

// first_row: the row of the tensor to which the first scale belongs.
void check_mxfp4_scales(std::span<const std::byte> scales, int64_t row_bytes, int64_t first_row,
                        const std::string& where) {
  const auto bad =
      std::ranges::find_if(scales, [](std::byte e) { return std::to_integer<int>(e) > kMxfp4LargestScale; });
  if (bad == scales.end()) return;
  throw Error(
      ErrorCode::kBadTensor, where,
      fmt::format("row {} has the E8M0 scale {}, the largest that is supported is {} (2^125)",
                  first_row + (bad - scales.begin()) / row_bytes, std::to_integer<int>(*bad), kMxfp4LargestScale),
      "no weights of a model are so large: the file is damaged, download it again");
}

}  // namespace

CheckpointRows::CheckpointRows(const ModelDir& directory, std::vector<RowSlice> slices, int64_t cols)
    : directory_(directory), slices_(std::move(slices)), cols_(cols) {
  MOEBIUS_CHECK(!slices_.empty());
  int64_t end = 0;
  for (const RowSlice& slice : slices_) {
    MOEBIUS_CHECK(slice.rows > 0);
    ends_.push_back(end += slice.rows);
  }
}

void CheckpointRows::read(int64_t first, int64_t count, const Rows& out) const {
  MOEBIUS_CHECK(first >= 0 && count >= 0 && first + count <= rows());
  const int64_t weight_bytes = format().weight_row_bytes(cols_);
  const int64_t scale_bytes = format().scale_row_bytes(cols_);
  const int64_t bias_bytes = format().bias_row_bytes(cols_);
  auto end = std::ranges::upper_bound(ends_, first);
  for (int64_t done = 0; done < count; ++end) {
    const RowSlice& slice = slices_[static_cast<size_t>(end - ends_.begin())];
    const int64_t in_slice = slice.rows - (*end - (first + done));
    const int64_t n = std::min(count - done, slice.rows - in_slice);
    read_slice(slice, in_slice, n,
               {out.weights + done * weight_bytes, advance(out.scales, done * scale_bytes),
                advance(out.biases, done * bias_bytes)});
    done += n;
  }
  if (meter_) meter_->tick();
}

void CheckpointRows::read_slice(const RowSlice& slice, int64_t first, int64_t count, const Rows& out) const {
  const int64_t row = slice.first_row + first;
  const auto read_rows = [&](const ModelDir::Entry& entry, std::byte* target, int64_t row_bytes) {
    directory_.read(entry, static_cast<uint64_t>(row * row_bytes), {target, static_cast<size_t>(count * row_bytes)});
  };
  const StoredMatrix& matrix = slice.matrix;
  const WeightFormat& format = matrix.format;
  read_rows(*matrix.weights, out.weights, format.weight_row_bytes(cols_));
  if (matrix.scales) read_rows(*matrix.scales, out.scales, format.scale_row_bytes(cols_));
  if (matrix.biases) read_rows(*matrix.biases, out.biases, format.bias_row_bytes(cols_));
  if (format.quant.mode != QuantMode::kMxfp4) return;
  const int64_t row_bytes = format.scale_row_bytes(cols_);
  check_mxfp4_scales({out.scales, static_cast<size_t>(count * row_bytes)}, row_bytes, row,
                     directory_.where(*matrix.scales));
}

}  // namespace moebius::internal
