// The ways in which checkpoints keep the experts of a layer, all read as slices of rows:
//   fused    experts.gate_up_proj [E, 2F, D] (gate rows first), experts.down_proj [E, D, F]; no `.weight`
//   stacked  switch_mlp.{gate,up,down}_proj, E leading, dense or quantized (MLX)
//   single   experts.<e>.{gate,up,down}_proj, one expert each, dense or quantized
// Forms may differ between the layers of one file.
#pragma once

#include <string>
#include <vector>

#include "model/checked_dir.h"
#include "model/row_sources.h"

namespace moebius::internal {

struct ProjectionShape {
  int64_t experts, rows, cols;
};

// One projection ("gate_proj", "up_proj", "down_proj") of every expert of a layer, a slice an expert, in order. mlp:
// "model.layers.3.mlp". Presence, dtype and shape are checked; nothing is read. Throws kMissingTensor, kBadTensor, and
// kUnsupported when the experts differ in format.
std::vector<RowSlice> expert_slices(CheckedDir& tensors, const std::string& mlp, const std::string& projection,
                                    const ProjectionShape& shape);

// One expert matmul has one format: backends interleave gate with up and place experts at equal strides. Throws
// kUnsupported when `got`, which is at `where`, is not what `other` has.
void check_same_format(const std::string& where, const WeightFormat& got, const std::string& other,
                       const WeightFormat& expected);

}  // namespace moebius::internal
