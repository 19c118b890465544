// See source.h.
#include "convert/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/expert_forms.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kStackMarker = ".switch_mlp.";

StoredMatrix dense(const ModelDir::Entry& entry) { return {{.dtype = entry.info.dtype, .quant = {}}, &entry}; }

}  // namespace

CheckpointRows ConversionSource::rows(const ModelTensor& tensor) {
  const auto whole = [&](const StoredMatrix& matrix) {
    return CheckpointRows(directory_, {{used(matrix), 0, tensor.rows}}, tensor.cols);
  };
  if (tensor.is_vector()) return whole(dense(checked_.floats(tensor.name(), {tensor.cols})));
  if (tensor.role == TensorRole::kConv) return whole(convolution(tensor));
  if (tensor.experts == 0) return whole(checked_.matrix(tensor.module, {tensor.rows, tensor.cols}));
  const size_t marker = tensor.module.find(kStackMarker);
  const std::vector<RowSlice> slices =
      expert_slices(checked_, tensor.module.substr(0, marker), tensor.module.substr(marker + kStackMarker.size()),
                    {tensor.experts, tensor.rows, tensor.cols});
  for (const RowSlice& slice : slices) used(slice.matrix);
  return CheckpointRows(directory_, slices, tensor.cols);
}

StoredMatrix ConversionSource::convolution(const ModelTensor& tensor) {
  // The two forms differ in the place of the singleton axis, but not in the order in memory.
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

DeltaNetForm ConversionSource::delta_net_form(const ModelConfig& config) const {
  const auto first = std::ranges::find(config.layer_kinds, LayerKind::kLinearAttention) - config.layer_kinds.begin();
  const bool interleaved = checked_.has(fmt::format("model.layers.{}.linear_attn.in_proj_qkvz.weight", first));
  return interleaved ? DeltaNetForm::kInterleaved : DeltaNetForm::kFlat;
}

bool ConversionSource::has_raw_norms(NormForm norms) const {
  if (norms == NormForm::kPlain) return false;
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

}  // namespace moebius::internal
