// The forms in which checkpoints keep the experts of a layer. Every form is read as slices of rows.
//   fused    experts.gate_up_proj [E, 2F, D] (gate rows first), experts.down_proj [E, D, F]; no `.weight`
//   stacked  switch_mlp.{gate,up,down}_proj, E leading, dense or quantized (MLX)
//   single   experts.<e>.{gate,up,down}_proj, one expert each, dense or quantized
// The layers of one file may have different forms.
#pragma once

#include <string>
#include <vector>

#include "model/checked_dir.h"
#include "model/row_sources.h"

namespace moebius::internal {

struct ProjectionShape {
  int64_t experts, rows, cols;
};

// Returns one projection ("gate_proj", "up_proj", "down_proj") of every expert of a layer: one slice per expert, in
// order. mlp: "model.layers.3.mlp". Checks presence, dtype and shape, and reads nothing. Throws kMissingTensor,
// kBadTensor, and kUnsupported when the experts differ in format.
std::vector<RowSlice> expert_slices(CheckedDir& tensors, const std::string& mlp, const std::string& projection,
                                    const ProjectionShape& shape);

// Throws kUnsupported when the format `got`, found at `where`, is not the format `expected`, which `other` has. An
// expert matmul has one format, because backends interleave gate with up and place experts at equal strides.
void check_same_format(const std::string& where, const WeightFormat& got, const std::string& other,
                       const WeightFormat& expected);

}  // namespace moebius::internal
