// See layout.h. The rules of quantization are mlx-lm's: its model class for qwen3_5 and its quantize_model.
#include "convert/layout.h"

#include <fmt/format.h>

#include "moebius/error.h"
#include "quant/format.h"

namespace moebius {
namespace {

constexpr int64_t kBitsOfWord = 32;

void check_params(const QuantizationParams& params, const std::string& bits_flag) {
  if (params.mode == QuantMode::kMxfp4) return;  // has no variants
  if (is_valid({params.bits, 64})) {
    if (is_valid({params.bits, params.group})) return;
    throw Error(ErrorCode::kUsage, "--group-size", fmt::format("expected 32, 64 or 128, got {}", params.group));
  }
  throw Error(ErrorCode::kUsage, bits_flag, fmt::format("expected 2, 3, 4, 5, 6 or 8, got {}", params.bits));
}

bool has_prefix(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

std::vector<int64_t> stacked(const ModelTensor& tensor, int64_t rows, int64_t cols) {
  if (tensor.experts > 0) return {tensor.experts, rows, cols};
  return {rows, cols};
}

}  // namespace

void check_choice(const QuantizationChoice& choice) {
  check_params(choice.matrices, "--bits");
  check_params(choice.router, "--router-bits");
}

std::optional<QuantizationParams> choose_quantization(const ModelTensor& tensor, const QuantizationChoice& choice) {
  // The converter asks the global group first, even of modules that get another one.
  if (!tensor.is_quantizable() || tensor.cols % choice.matrices.group != 0) return std::nullopt;
  if (tensor.role != TensorRole::kRouter) return choice.matrices;
  if (tensor.cols % choice.router.group != 0) return std::nullopt;
  return choice.router;
}

Json quantization_block(const std::vector<ModelTensor>& tensors, const QuantizationChoice& choice) {
  Json block = {
      {"group_size", choice.matrices.group}, {"bits", choice.matrices.bits}, {"mode", name(choice.matrices.mode)}};
  for (const ModelTensor& tensor : tensors) {
    const auto params = choose_quantization(tensor, choice);
    if (tensor.role != TensorRole::kRouter || !params) continue;
    block[mlx_module(tensor)] = {{"group_size", params->group}, {"bits", params->bits}};
  }
  return block;
}

std::string mlx_module(const ModelTensor& tensor) {
  return has_prefix(tensor.module, "mtp.") ? tensor.module : "language_model." + tensor.module;
}

std::string hf_name(const ModelTensor& tensor) {
  constexpr std::string_view kModel = "model.";
  const std::string name = tensor.name();
  return has_prefix(name, kModel) ? "model.language_model." + name.substr(kModel.size()) : name;
}

std::vector<int64_t> mlx_shape(const ModelTensor& tensor) {
  if (tensor.is_vector()) return {tensor.cols};
  if (tensor.role == TensorRole::kConv) return {tensor.rows, tensor.cols, 1};
  return stacked(tensor, tensor.rows, tensor.cols);
}

std::vector<int64_t> hf_shape(const ModelTensor& tensor) {
  if (tensor.role == TensorRole::kConv) return {tensor.rows, 1, tensor.cols};
  return mlx_shape(tensor);
}

std::vector<SafetensorsWriter::Declaration> declare_mlx(const ModelTensor& tensor,
                                                        const std::optional<QuantizationParams>& params,
                                                        DType float_dtype) {
  const std::string module = mlx_module(tensor);
  if (!params) {
    const std::string suffix = tensor.name().substr(tensor.module.size());
    return {{module + suffix, float_dtype, mlx_shape(tensor)}};
  }
  const auto scales = stacked(tensor, tensor.rows, tensor.cols / params->group);
  const auto codes = stacked(tensor, tensor.rows, tensor.cols * params->bits / kBitsOfWord);
  if (params->mode == QuantMode::kMxfp4) {
    return {{module + ".weight", DType::kU32, codes}, {module + ".scales", DType::kU8, scales}};
  }
  return {{module + ".weight", DType::kU32, codes},
          {module + ".scales", float_dtype, scales},
          {module + ".biases", float_dtype, scales}};
}

}  // namespace moebius
