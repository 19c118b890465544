// How the two families of files spell, shape and quantize the tensors of model_tensors.h: the wrapper's prefixes, the
// converter's choice of what is quantized, and the quantization block of config.json that says so. No bytes here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/quantization.h"
#include "checkpoint/safetensors.h"
#include "convert/model_tensors.h"

namespace moebius {

// What mlx-lm's converter is asked for. The router's group is 64 whatever the others have.
struct QuantizationChoice {
  QuantizationParams matrices;
  QuantizationParams router{8, 64};
};

// Throws kUsage for widths and groups that affine quantization does not have.
void check_choice(const QuantizationChoice& choice);

// nullopt: stays floating, because of its role or because a group does not divide its inputs.
std::optional<QuantizationParams> choose_quantization(const ModelTensor& tensor, const QuantizationChoice& choice);

// {"group_size", "bits", "mode"} and one entry for each router, named as MLX names the module; routers are affine.
Json quantization_block(const std::vector<ModelTensor>& tensors, const QuantizationChoice& choice);

// "model.norm" -> "language_model.model.norm"; `mtp.` stays in front: mlx-lm drops it and moebius reads it there.
std::string mlx_module(const ModelTensor& tensor);
// "model.norm.weight" -> "model.language_model.norm.weight"; lm_head and mtp have no prefix.
std::string hf_name(const ModelTensor& tensor);

// Shapes of the floating form. [E, R, C], [R, C], [R, C, 1] (conv in MLX), [R, 1, C] (conv in HF) or [C].
std::vector<int64_t> mlx_shape(const ModelTensor& tensor);
std::vector<int64_t> hf_shape(const ModelTensor& tensor);

// The tensors that a module becomes in an MLX file: codes, scales and (affine) biases, or one of float_dtype.
std::vector<SafetensorsWriter::Declaration> declare_mlx(const ModelTensor& tensor,
                                                        const std::optional<QuantizationParams>& params,
                                                        DType float_dtype);

}  // namespace moebius
