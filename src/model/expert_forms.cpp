// See expert_forms.h.
#include "model/expert_forms.h"

#include <fmt/format.h>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

std::string describe(const WeightFormat& format) {
  if (!format.is_quantized()) return std::string(name(format.dtype));
  return to_string(format.quant);
}

StoredMatrix dense(const ModelDir::Entry& entry) { return {{.dtype = entry.info.dtype, .quant = {}}, &entry}; }

// The slices of a projection in a stack. Each expert has `height` rows, and the rows of the projection start at row
// `offset` of the expert.
std::vector<RowSlice> stack_slices(const StoredMatrix& stack, const ProjectionShape& shape, int64_t height,
                                   int64_t offset) {
  std::vector<RowSlice> slices;
  for (int64_t e = 0; e < shape.experts; ++e) slices.push_back({stack, e * height + offset, shape.rows});
  return slices;
}

std::vector<RowSlice> fused_slices(CheckedDir& tensors, const std::string& mlp, const std::string& projection,
                                   const ProjectionShape& shape) {
  const auto [experts, rows, cols] = shape;
  const bool is_down = projection == "down_proj";
  const int64_t height = is_down ? rows : 2 * rows;
  const std::string name = mlp + (is_down ? ".experts.down_proj" : ".experts.gate_up_proj");
  const StoredMatrix stack = dense(tensors.floats(name, {experts, height, cols}));
  return stack_slices(stack, shape, height, projection == "up_proj" ? rows : 0);
}

std::vector<RowSlice> single_slices(CheckedDir& tensors, const std::string& mlp, const std::string& projection,
                                    const ProjectionShape& shape) {
  std::vector<RowSlice> slices;
  for (int64_t e = 0; e < shape.experts; ++e) {
    const StoredMatrix stored =
        tensors.matrix(fmt::format("{}.experts.{}.{}", mlp, e, projection), {shape.rows, shape.cols});
    slices.push_back({stored, 0, shape.rows});
    check_same_format(tensors.directory().where(*stored.weights), stored.format,
                      fmt::format("{}.experts.0.{}", mlp, projection), slices.front().matrix.format);
  }
  return slices;
}

}  // namespace

std::vector<RowSlice> expert_slices(CheckedDir& tensors, const std::string& mlp, const std::string& projection,
                                    const ProjectionShape& shape) {
  if (tensors.has(mlp + ".experts.gate_up_proj")) return fused_slices(tensors, mlp, projection, shape);
  const std::string stacked = fmt::format("{}.switch_mlp.{}", mlp, projection);
  if (tensors.has(stacked + ".weight")) {
    const StoredMatrix stack = tensors.matrix(stacked, {shape.experts, shape.rows, shape.cols});
    return stack_slices(stack, shape, shape.rows, 0);
  }
  const std::string first = fmt::format("{}.experts.0.{}", mlp, projection);
  if (tensors.has(first + ".weight")) return single_slices(tensors, mlp, projection, shape);
  throw Error(ErrorCode::kMissingTensor, tensors.directory().path().string(),
              fmt::format("no experts of {0}: expected {0}.experts.gate_up_proj, {1}.weight or {2}.weight", mlp,
                          stacked, first));
}

void check_same_format(const std::string& where, const WeightFormat& got, const std::string& other,
                       const WeightFormat& expected) {
  if (got == expected) return;
  throw Error(ErrorCode::kUnsupported, where,
              fmt::format("expected {} as {} has, got {}", describe(expected), other, describe(got)),
              "quantize the experts of a layer alike, gate like up");
}

}  // namespace moebius::internal
