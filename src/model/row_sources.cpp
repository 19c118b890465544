// Slices of checkpoint tensors as rows.
#include "model/row_sources.h"

#include <algorithm>

#include "base/check.h"

namespace moebius {
namespace {

std::byte* advance(std::byte* data, int64_t bytes) { return data ? data + bytes : nullptr; }

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
  auto end = std::ranges::upper_bound(ends_, first);
  for (int64_t done = 0; done < count; ++end) {
    const RowSlice& slice = slices_[static_cast<size_t>(end - ends_.begin())];
    const int64_t in_slice = slice.rows - (*end - (first + done));
    const int64_t n = std::min(count - done, slice.rows - in_slice);
    read_slice(slice, in_slice, n,
               {out.weights + done * weight_bytes, advance(out.scales, done * scale_bytes),
                advance(out.biases, done * scale_bytes)});
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
  read_rows(*matrix.weights, out.weights, matrix.format.weight_row_bytes(cols_));
  if (!matrix.format.is_affine()) return;
  read_rows(*matrix.scales, out.scales, matrix.format.scale_row_bytes(cols_));
  read_rows(*matrix.biases, out.biases, matrix.format.scale_row_bytes(cols_));
}

}  // namespace moebius
