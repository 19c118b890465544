// See source.h. Expert forms: fused (Hugging Face), stacked (MLX), one by one; they may differ between layers.
#include "convert/source.h"

#include <fmt/format.h>

#include "moebius/error.h"

namespace moebius {
namespace {

constexpr std::string_view kStackMarker = "switch_mlp.";

StoredMatrix dense(const ModelDir::Entry& entry) { return {{.dtype = entry.info.dtype, .affine = {}}, &entry}; }

}  // namespace

CheckpointRows ConversionSource::rows(const ModelTensor& tensor) {
  const auto whole = [&](const StoredMatrix& matrix) {
    return CheckpointRows(directory_, {{used(matrix), 0}}, tensor.rows, tensor.cols);
  };
  if (tensor.is_vector()) return whole(dense(checked_.floats(tensor.name(), {tensor.cols})));
  if (tensor.role == TensorRole::kConv) return whole(convolution(tensor));
  if (tensor.experts == 0) return whole(checked_.matrix(tensor.module, {tensor.rows, tensor.cols}));
  return CheckpointRows(directory_, expert_slices(tensor), tensor.rows, tensor.cols);
}

std::vector<RowSlice> ConversionSource::expert_slices(const ModelTensor& tensor) {
  const size_t marker = tensor.module.find(kStackMarker);
  const std::string mlp = tensor.module.substr(0, marker);
  const std::string projection = tensor.module.substr(marker + kStackMarker.size());
  std::vector<RowSlice> slices;
  if (checked_.has(mlp + "experts.gate_up_proj")) {
    const bool is_down = projection == "down_proj";
    const int64_t height = is_down ? tensor.rows : 2 * tensor.rows;
    const int64_t offset = projection == "up_proj" ? tensor.rows : 0;
    const StoredMatrix stack = fused(tensor, mlp + (is_down ? "experts.down_proj" : "experts.gate_up_proj"), height);
    for (int64_t e = 0; e < tensor.experts; ++e) slices.push_back({stack, e * height + offset});
  } else if (checked_.has(tensor.name())) {
    const StoredMatrix stack = used(checked_.matrix(tensor.module, {tensor.experts, tensor.rows, tensor.cols}));
    for (int64_t e = 0; e < tensor.experts; ++e) slices.push_back({stack, e * tensor.rows});
  } else if (checked_.has(fmt::format("{}experts.0.{}.weight", mlp, projection))) {
    for (int64_t e = 0; e < tensor.experts; ++e) {
      const std::string module = fmt::format("{}experts.{}.{}", mlp, e, projection);
      slices.push_back({used(checked_.matrix(module, {tensor.rows, tensor.cols})), 0});
      if (slices.back().matrix.format == slices.front().matrix.format) continue;
      throw Error(ErrorCode::kUnsupported, directory_.where(*slices.back().matrix.weights),
                  "this expert has another format than the first one of its layer",
                  "store the experts of a layer alike");
    }
  } else {
    throw Error(
        ErrorCode::kMissingTensor, directory_.path().string(),
        fmt::format("no experts for {0}: expected {0}.weight, {1}experts.gate_up_proj or {1}experts.0.{2}.weight",
                    tensor.module, mlp, projection));
  }
  return slices;
}

StoredMatrix ConversionSource::fused(const ModelTensor& tensor, const std::string& name, int64_t rows) {
  return used(dense(checked_.floats(name, {tensor.experts, rows, tensor.cols})));
}

StoredMatrix ConversionSource::convolution(const ModelTensor& tensor) {
  // The singleton axis moves, the order in memory does not.
  const Shape raw = {tensor.rows, 1, tensor.cols};
  const Shape converted = {tensor.rows, tensor.cols, 1};
  const ModelDir::Entry& entry = checked_.floats_of(tensor.name(), {raw, converted});
  ++(entry.info.shape == raw ? raw_convolutions_ : converted_convolutions_);
  return dense(entry);
}

StoredMatrix ConversionSource::used(const StoredMatrix& matrix) {
  for (const ModelDir::Entry* entry : {matrix.weights, matrix.scales, matrix.biases}) {
    if (entry) used_.insert(entry->info.name);
  }
  return matrix;
}

int64_t ConversionSource::mtp_layers() const {
  int64_t layers = 0;
  while (checked_.has(fmt::format("mtp.layers.{}.input_layernorm.weight", layers))) ++layers;
  return layers;
}

bool ConversionSource::has_raw_norms() const {
  if ((raw_convolutions_ == 0) != (converted_convolutions_ == 0)) return raw_convolutions_ > 0;
  const bool mixed = raw_convolutions_ > 0;
  throw Error(
      mixed ? ErrorCode::kBadTensor : ErrorCode::kUnsupported, directory_.path().string(),
      mixed ? "some linear_attn.conv1d.weight are [C, 1, K] and some [C, K, 1]" : "no linear_attn.conv1d.weight",
      "their shape alone tells whether the norms are stored around 0 or around 1");
}

std::vector<std::string> ConversionSource::left_over() const {
  checked_.refuse_unknown();
  std::vector<std::string> names;
  for (const auto& [name, entry] : directory_.tensors()) {
    if (name.starts_with("mtp.") && !used_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace moebius
