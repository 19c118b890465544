// Slices of checkpoint tensors as rows.
#include "model/row_sources.h"

#include <algorithm>

#include "base/check.h"

namespace moebius {
namespace {

std::byte* advance(std::byte* data, int64_t bytes) { return data ? data + bytes : nullptr; }

}  // namespace

CheckpointRows::CheckpointRows(const ModelDir& directory, std::vector<RowSlice> slices, int64_t height, int64_t cols)
    : directory_(directory), slices_(std::move(slices)), height_(height), cols_(cols) {
  MOEBIUS_CHECK(!slices_.empty() && height > 0);
}

void CheckpointRows::read(int64_t first, int64_t count, const Rows& out) const {
  MOEBIUS_CHECK(first >= 0 && count >= 0 && first + count <= rows());
  const int64_t weight_bytes = format().weight_row_bytes(cols_);
  const int64_t scale_bytes = format().scale_row_bytes(cols_);
  for (int64_t done = 0; done < count;) {
    const int64_t row = first + done;
    const int64_t in_slice = row % height_;
    const int64_t n = std::min(count - done, height_ - in_slice);
    read_slice(slices_[static_cast<size_t>(row / height_)], in_slice, n,
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
  if (!matrix.format.is_quantized()) return;
  read_rows(*matrix.scales, out.scales, matrix.format.scale_row_bytes(cols_));
  read_rows(*matrix.biases, out.biases, matrix.format.scale_row_bytes(cols_));
}

}  // namespace moebius
