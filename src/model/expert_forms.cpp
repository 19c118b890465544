// The ways in which checkpoints keep the experts of a layer, as rows of gate, up and down:
//   fused    experts.gate_up_proj [E, 2F, D] (gate rows first), experts.down_proj [E, D, F]; no `.weight` (Hugging
//   Face) stacked  switch_mlp.{gate,up,down}_proj, E leading, dense or affine (MLX) single
//   experts.<e>.{gate,up,down}_proj, one expert each, dense or affine
// Forms may differ between the layers of one file. Rows are read one slice at a time; nothing is copied here.
#include <fmt/format.h>

#include "model/weights.h"
#include "moebius/error.h"

namespace moebius {
namespace {

std::string describe(const WeightFormat& format) {
  if (!format.is_affine()) return std::string(name(format.dtype));
  return fmt::format("{} bits, group {}, scales {}", format.affine.bits, format.affine.group,
                     name(format.affine.scale_dtype));
}

// One expert matmul has one format: the backends' layouts interleave gate with up and place experts at equal strides.
void check_same_format(const std::string& where, const WeightFormat& got, const std::string& other,
                       const WeightFormat& expected) {
  if (got == expected) return;
  throw Error(ErrorCode::kUnsupported, where,
              fmt::format("expected {} as {} has, got {}", describe(expected), other, describe(got)),
              "quantize the experts of a layer alike, gate like up");
}

StoredMatrix dense(const ModelDir::Entry& entry) { return {{.dtype = entry.info.dtype, .affine = {}}, &entry}; }

}  // namespace

void WeightBinder::experts(Experts& out, const std::string& mlp, const ExpertsShape& shape) {
  BoundExperts bound{&out, mlp + ".experts", shape, routed_rows(mlp, shape), std::nullopt};
  if (shape.shared_width > 0) bound.shared.emplace(shared_rows(mlp, shape));
  const std::string where = fmt::format("{}: up_proj of {}", tensors_.directory().path().string(), mlp);
  for (const ExpertRows* rows : {&bound.routed, bound.shared ? &*bound.shared : nullptr}) {
    if (rows) check_same_format(where, rows->up.format(), "gate_proj", rows->gate.format());
  }
  experts_.push_back(std::move(bound));
}

WeightBinder::ExpertRows WeightBinder::routed_rows(const std::string& mlp, const ExpertsShape& shape) {
  if (tensors_.has(mlp + ".experts.gate_up_proj")) return fused_rows(mlp, shape);
  if (tensors_.has(mlp + ".switch_mlp.gate_proj.weight")) return stacked_rows(mlp, shape);
  if (tensors_.has(mlp + ".experts.0.gate_proj.weight")) return single_rows(mlp, shape);
  throw Error(ErrorCode::kMissingTensor, tensors_.directory().path().string(),
              fmt::format("no experts of {0}: expected {0}.experts.gate_up_proj, {0}.switch_mlp.gate_proj.weight or "
                          "{0}.experts.0.gate_proj.weight",
                          mlp));
}

WeightBinder::ExpertRows WeightBinder::fused_rows(const std::string& mlp, const ExpertsShape& shape) {
  const auto [dim, experts, width, shared] = shape;
  const StoredMatrix gate_up = dense(tensors_.floats(mlp + ".experts.gate_up_proj", {experts, 2 * width, dim}));
  const StoredMatrix down = dense(tensors_.floats(mlp + ".experts.down_proj", {experts, dim, width}));
  std::vector<RowSlice> gate_slices;
  std::vector<RowSlice> up_slices;
  for (int64_t e = 0; e < experts; ++e) {
    gate_slices.push_back({gate_up, 2 * e * width});
    up_slices.push_back({gate_up, (2 * e + 1) * width});
  }
  const ModelDir& directory = tensors_.directory();
  return {CheckpointRows(directory, std::move(gate_slices), width, dim),
          CheckpointRows(directory, std::move(up_slices), width, dim),
          CheckpointRows(directory, {{down, 0}}, experts * dim, width)};
}

WeightBinder::ExpertRows WeightBinder::stacked_rows(const std::string& mlp, const ExpertsShape& shape) {
  const auto [dim, experts, width, shared] = shape;
  const auto stack = [&](const char* projection, int64_t rows, int64_t cols) {
    const StoredMatrix stored = tensors_.matrix(mlp + ".switch_mlp." + projection, {experts, rows, cols});
    return CheckpointRows(tensors_.directory(), {{stored, 0}}, experts * rows, cols);
  };
  return {stack("gate_proj", width, dim), stack("up_proj", width, dim), stack("down_proj", dim, width)};
}

WeightBinder::ExpertRows WeightBinder::single_rows(const std::string& mlp, const ExpertsShape& shape) {
  const auto [dim, experts, width, shared] = shape;
  const auto all = [&](const char* projection, MatrixShape matrix) {
    std::vector<std::string> modules;
    for (int64_t e = 0; e < experts; ++e) modules.push_back(fmt::format("{}.experts.{}.{}", mlp, e, projection));
    return slices(modules, matrix);
  };
  return {all("gate_proj", {width, dim}), all("up_proj", {width, dim}), all("down_proj", {dim, width})};
}

WeightBinder::ExpertRows WeightBinder::shared_rows(const std::string& mlp, const ExpertsShape& shape) {
  const std::string path = mlp + ".shared_expert.";
  return {slices({path + "gate_proj"}, {shape.shared_width, shape.dim}),
          slices({path + "up_proj"}, {shape.shared_width, shape.dim}),
          slices({path + "down_proj"}, {shape.dim, shape.shared_width})};
}

CheckpointRows WeightBinder::slices(const std::vector<std::string>& modules, MatrixShape shape) {
  std::vector<RowSlice> slices;
  for (const std::string& module : modules) {
    const StoredMatrix stored = tensors_.matrix(module, {shape.rows, shape.cols});
    if (!slices.empty()) {
      check_same_format(tensors_.directory().where(*stored.weights), stored.format, modules.front(),
                        slices.front().matrix.format);
    }
    slices.push_back({stored, 0});
  }
  return CheckpointRows(tensors_.directory(), std::move(slices), shape.rows, shape.cols);
}

}  // namespace moebius
