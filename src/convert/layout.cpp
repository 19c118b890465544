// See layout.h. The rules of quantization are those of mlx-lm: of its model classes, which agree, and of its
// quantize_model.
#include "convert/layout.h"

#include <fmt/format.h>

#include "moebius/error.h"
#include "quant/format.h"

namespace moebius::internal {
namespace {

constexpr int64_t kBitsOfWord = 32;

void check_params(const QuantizationParams& params, const std::string& bits_flag) {
  if (params.mode == QuantMode::kMxfp4) return;  // mxfp4 has no variants
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

// "model.norm" -> "language_model.model.norm" in wrapped files. A name that begins with `mtp.` gets no prefix: mlx-lm
// drops such tensors, and moebius reads them under this name.
std::string mlx_module(const ModelTensor& tensor, const FileForm& form) {
  const bool prefixed = form.wrapped && !has_prefix(tensor.module, "mtp.");
  return prefixed ? "language_model." + tensor.module : tensor.module;
}

// "model.norm.weight" -> "model.language_model.norm.weight" in wrapped files; lm_head and mtp have no prefix.
std::string hf_name(const std::string& name, const FileForm& form) {
  constexpr std::string_view kModel = "model.";
  const bool prefixed = form.wrapped && has_prefix(name, kModel);
  return prefixed ? "model.language_model." + name.substr(kModel.size()) : name;
}

// Returns [E, R, C], [R, C], [R, C, 1] (convolution) or [C].
std::vector<int64_t> mlx_shape(const ModelTensor& tensor) {
  if (tensor.is_vector()) return {tensor.cols};
  if (tensor.role == TensorRole::kConv) return {tensor.rows, tensor.cols, 1};
  return stacked(tensor, tensor.rows, tensor.cols);
}

using Declarations = std::vector<SafetensorsWriter::Declaration>;

// mlp: "model.layers.3.mlp."; projection: "gate_proj", "up_proj" or "down_proj".
Declarations declare_fused(const std::string& mlp, const std::string& projection, const ModelTensor& stack,
                           DType dtype) {
  if (projection == "up_proj") return {};
  if (projection == "down_proj") return {{mlp + "experts.down_proj", dtype, mlx_shape(stack)}};
  return {{mlp + "experts.gate_up_proj", dtype, {stack.experts, 2 * stack.rows, stack.cols}}};
}

Declarations declare_single(const std::string& mlp, const std::string& projection, const ModelTensor& stack,
                            DType dtype) {
  Declarations declarations;
  for (int64_t e = 0; e < stack.experts; ++e) {
    declarations.push_back(
        {fmt::format("{}experts.{}.{}.weight", mlp, e, projection), dtype, {stack.rows, stack.cols}});
  }
  return declarations;
}

}  // namespace

FileForm published_form(const ModelConfig& config) {
  const std::string_view family = config.model_type;
  return {.wrapped = family == "qwen3_5" || family == "qwen3_5_moe",
          .fused_experts = family == "qwen3_5_moe",
          .delta_net = family == "qwen3_next" ? DeltaNetForm::kInterleaved : DeltaNetForm::kFlat};
}

void check_choice(const QuantizationChoice& choice) {
  check_params(choice.matrices, "--bits");
  check_params(choice.router, "--router-bits");
}

std::optional<QuantizationParams> choose_quantization(const ModelTensor& tensor, const QuantizationChoice& choice) {
  // The converter of mlx-lm tests the global group first, even for modules that get another group.
  if (!tensor.is_quantizable() || tensor.cols % choice.matrices.group != 0) return std::nullopt;
  if (tensor.role != TensorRole::kRouter) return choice.matrices;
  if (tensor.cols % choice.router.group != 0) return std::nullopt;
  return choice.router;
}

Json quantization_block(const std::vector<ModelTensor>& tensors, const QuantizationChoice& choice,
                        const FileForm& form) {
  Json block = {
      {"group_size", choice.matrices.group}, {"bits", choice.matrices.bits}, {"mode", name(choice.matrices.mode)}};
  for (const ModelTensor& tensor : tensors) {
    const auto params = choose_quantization(tensor, choice);
    if (tensor.role != TensorRole::kRouter || !params) continue;
    block[mlx_module(tensor, form)] = {{"group_size", params->group}, {"bits", params->bits}};
  }
  return block;
}

std::vector<SafetensorsWriter::Declaration> declare_mlx(const ModelTensor& tensor,
                                                        const std::optional<QuantizationParams>& params,
                                                        DType float_dtype, const FileForm& form) {
  const std::string module = mlx_module(tensor, form);
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

std::vector<SafetensorsWriter::Declaration> declare_hf(const ModelTensor& tensor, DType dtype, const FileForm& form) {
  constexpr std::string_view kStack = "switch_mlp.";
  if (tensor.experts > 0) {
    const size_t marker = tensor.module.find(kStack);
    const std::string mlp = hf_name(tensor.module.substr(0, marker), form);
    const std::string projection = tensor.module.substr(marker + kStack.size());
    return form.fused_experts ? declare_fused(mlp, projection, tensor, dtype)
                              : declare_single(mlp, projection, tensor, dtype);
  }
  const bool convolution = tensor.role == TensorRole::kConv;
  return {{hf_name(tensor.name(), form), dtype,
           convolution ? std::vector{tensor.rows, int64_t{1}, tensor.cols} : mlx_shape(tensor)}};
}

}  // namespace moebius::internal
