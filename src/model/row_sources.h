// The rows of a matrix, or of a stack of experts, wherever a checkpoint keeps them. Every expert form, and an
// interleaved projection, is a list of slices here. Each slice is a run of rows in some tensor. A read takes from the
// files exactly the rows that a backend asks for. It throws kBadTensor for mxfp4 scales that N4 cannot take. The check
// is here because every read of such scales passes through this file.
#pragma once

#include <vector>

#include "backend/weights.h"
#include "model/checked_dir.h"
#include "model/load_meter.h"

namespace moebius::internal {

// Rows [first_row, first_row + rows) of a stored matrix whose leading dimensions are flattened into rows.
struct RowSlice {
  StoredMatrix matrix;
  int64_t first_row = 0;
  int64_t rows = 0;
};

class CheckpointRows : public RowSource {
 public:
  // slices: at least one, all of one format, none empty. Their rows follow one another. cols: inputs of a row.
  CheckpointRows(const ModelDir& directory, std::vector<RowSlice> slices, int64_t cols);

  [[nodiscard]] const WeightFormat& format() const { return slices_.front().matrix.format; }
  [[nodiscard]] int64_t rows() const { return ends_.back(); }
  [[nodiscard]] int64_t cols() const { return cols_; }

  void set_meter(LoadMeter* meter) { meter_ = meter; }
  void read(int64_t first, int64_t count, const Rows& out) const override;

 private:
  void read_slice(const RowSlice& slice, int64_t first, int64_t count, const Rows& out) const;

  const ModelDir& directory_;
  std::vector<RowSlice> slices_;
  std::vector<int64_t> ends_;  // for each slice, the first row behind it
  int64_t cols_;
  LoadMeter* meter_ = nullptr;
};

}  // namespace moebius::internal
