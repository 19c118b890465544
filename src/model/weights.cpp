// Binds and uploads weights.
#include "model/weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/expert_forms.h"
#include "moebius/error.h"

namespace moebius::internal {

void WeightBinder::matrix(Matrix& out, const std::string& module, MatrixShape shape, ActivationKind activations) {
  matrix(out, module, {module, shape, {{0, shape.rows}}}, activations);
}

void WeightBinder::matrix(Matrix& out, const std::string& name, const MatrixRows& rows, ActivationKind activations) {
  const auto& [module, shape, runs] = rows;
  const StoredMatrix stored = tensors_.matrix(module, {shape.rows, shape.cols});
  std::vector<RowSlice> slices;
  for (const RowRun& run : runs) slices.push_back({stored, run.first, run.count});
  matrices_.push_back({&out, name, CheckpointRows(tensors_.directory(), std::move(slices), shape.cols), activations});
}

void WeightBinder::vector(Tensor& out, const std::string& name, int64_t size) {
  vectors_.push_back({.out = &out, .entry = &tensors_.floats(name, {size})});
}

void WeightBinder::norm(Tensor& out, const std::string& name, int64_t size) {
  vectors_.push_back(
      {.out = &out, .entry = &tensors_.floats(name, {size}), .centred = norms_ == NormForm::kZeroCentred});
}

void WeightBinder::convolution(Convolution& out, const std::string& name, int64_t channels, int64_t taps) {
  // Both shapes have the same order in memory: only the axis of size 1 has moved.
  const std::vector<Shape> shapes = {{channels, 1, taps}, {channels, taps, 1}};
  const ModelDir::Entry& entry = tensors_.floats_of(name, shapes);
  const bool raw = entry.info.shape == shapes[0];
  if (raw_.value_or(raw) != raw) {
    throw Error(ErrorCode::kBadTensor, tensors_.directory().where(entry),
                fmt::format("expected {} as in the layers before, got {}", to_string(shapes[raw ? 1 : 0]),
                            to_string(entry.info.shape)),
                "raw and converted layers are mixed, so it is unknown which norms lack their +1");
  }
  raw_ = raw;
  convolutions_.push_back({&out, &entry, {.channels = channels, .kernel = taps}});
}

void WeightBinder::experts(Experts& out, const std::string& mlp, const ExpertsShape& shape) {
  BoundExperts bound{&out, mlp + ".experts", shape, routed_rows(mlp, shape), std::nullopt};
  if (shape.shared_width > 0) {
    bound.shared.emplace(single_rows(mlp + ".shared_expert", {shape.shared_width, shape.dim}));
  }
  bind_experts(std::move(bound));
}

void WeightBinder::dense_mlp(Experts& out, const std::string& mlp, MatrixShape shape) {
  const ExpertsShape table = {.dim = shape.cols, .experts = 1, .width = shape.rows};
  bind_experts({&out, mlp, table, single_rows(mlp, shape), std::nullopt});
}

void WeightBinder::bind_experts(BoundExperts bound) {
  const std::string where = fmt::format("{}: up_proj of {}", tensors_.directory().path().string(), bound.name);
  for (const ExpertRows* rows : {&bound.routed, bound.shared ? &*bound.shared : nullptr}) {
    if (rows) check_same_format(where, rows->up.format(), "gate_proj", rows->gate.format());
  }
  experts_.push_back(std::move(bound));
}

WeightBinder::ExpertRows WeightBinder::routed_rows(const std::string& mlp, const ExpertsShape& shape) {
  const auto of = [&](const char* projection, MatrixShape matrix) {
    const ProjectionShape all = {shape.experts, matrix.rows, matrix.cols};
    return CheckpointRows(tensors_.directory(), expert_slices(tensors_, mlp, projection, all), matrix.cols);
  };
  return {of("gate_proj", {shape.width, shape.dim}), of("up_proj", {shape.width, shape.dim}),
          of("down_proj", {shape.dim, shape.width})};
}

// The rows of one expert whose projections are modules of their own, below `path`. `shape` is the shape of gate and up.
// The shape of down is its transpose.
WeightBinder::ExpertRows WeightBinder::single_rows(const std::string& path, MatrixShape shape) {
  const auto of = [&](const char* projection, MatrixShape matrix) {
    const StoredMatrix stored = tensors_.matrix(path + projection, {matrix.rows, matrix.cols});
    return CheckpointRows(tensors_.directory(), {{stored, 0, matrix.rows}}, matrix.cols);
  };
  return {of(".gate_proj", shape), of(".up_proj", shape), of(".down_proj", {shape.cols, shape.rows})};
}

std::string WeightBinder::where(const std::string& name) const {
  return tensors_.directory().where(tensors_.directory().at(name));
}

void WeightBinder::check_complete() const {
  tensors_.refuse_unknown();
  const auto centred = std::ranges::find_if(vectors_, [](const BoundVector& bound) { return bound.centred; });
  if (raw_ || centred == vectors_.end()) return;
  throw Error(ErrorCode::kUnsupported, tensors_.directory().where(*centred->entry),
              "a checkpoint without linear-attention layers does not tell whether its norms are zero-centred");
}

void WeightBinder::upload(WeightLoader& loader, const LoadMeter::Callback& progress) {
  LoadMeter meter(tensors_.directory(), tensors_.asked_bytes(), progress);
  for (const BoundVector& bound : vectors_) {
    upload_vector(loader, bound);
    meter.tick();
  }
  for (const BoundConvolution& bound : convolutions_) {
    *bound.out = loader.upload_convolution(bound.spec, read_floats(*bound.entry));
    meter.tick();
  }
  for (BoundMatrix& bound : matrices_) {
    bound.rows.set_meter(&meter);
    *bound.out = loader.upload_matrix(
        MatrixSpec{bound.name, bound.rows.rows(), bound.rows.cols(), bound.rows.format(), bound.activations},
        bound.rows);
  }
  for (BoundExperts& bound : experts_) {
    for (ExpertRows* group : {&bound.routed, bound.shared ? &*bound.shared : nullptr}) {
      if (!group) continue;
      for (CheckpointRows* rows : {&group->gate, &group->up, &group->down}) rows->set_meter(&meter);
    }
    upload_experts(loader, bound);
  }
  meter.finish();
}

std::vector<float> WeightBinder::read_floats(const ModelDir::Entry& entry) const {
  std::vector<std::byte> bytes(entry.info.bytes);
  tensors_.directory().read(entry, 0, bytes);
  std::vector<float> values(bytes.size() / static_cast<size_t>(size_bytes(entry.info.dtype)));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = load_f32(bytes.data(), entry.info.dtype, static_cast<int64_t>(i));
  }
  return values;
}

void WeightBinder::upload_vector(WeightLoader& loader, const BoundVector& bound) const {
  std::vector<float> values = read_floats(*bound.entry);
  const bool add_one = bound.centred && raw_.value_or(false);  // raw_ is known: check_complete() requires it
  if (add_one) {
    for (float& value : values) value += 1.0f;  // N6: the factor is rounded once, here
  }
  *bound.out = loader.upload_table(values, 1, std::ssize(values));
}

ExpertGroupSpec WeightBinder::group_spec(const ExpertRows& rows, int64_t count, int64_t width) {
  return {.count = count,
          .width = width,
          .gate_up = rows.gate.format(),
          .down = rows.down.format(),
          .gate_rows = &rows.gate,
          .up_rows = &rows.up,
          .down_rows = &rows.down};
}

void WeightBinder::upload_experts(WeightLoader& loader, const BoundExperts& bound) {
  ExpertsSpec spec;
  spec.name = bound.name;
  spec.dim = bound.shape.dim;
  spec.routed = group_spec(bound.routed, bound.shape.experts, bound.shape.width);
  if (bound.shared) spec.shared = group_spec(*bound.shared, 1, bound.shape.shared_width);
  *bound.out = loader.upload_experts(spec);
}

}  // namespace moebius::internal
