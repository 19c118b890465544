// How files spell, shape and quantize the tensors of model_tensors.h: the published form of each family, the names of
// MLX and of Hugging Face, the converter's choice of what is quantized, and the quantization block of config.json that
// states this choice. No bytes of tensors are handled here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/quantization.h"
#include "checkpoint/safetensors.h"
#include "convert/model_tensors.h"

namespace moebius::internal {

// The properties in which the files of the families differ.
struct FileForm {
  bool wrapped = false;  // as the text part of a vision model: `model.language_model.`, in MLX files `language_model.`
  bool fused_experts = false;  // in Hugging Face files; false: one tensor an expert
  DeltaNetForm delta_net = DeltaNetForm::kFlat;
};
FileForm published_form(const ModelConfig& config);

// The choice that mlx-lm's converter is asked for. The router's group is 64, whatever group the other matrices have.
struct QuantizationChoice {
  QuantizationParams matrices;
  QuantizationParams router{8, 64};
};

// Throws kUsage for widths and groups that affine quantization does not have.
void check_choice(const QuantizationChoice& choice);

// Returns nullopt when the tensor stays floating, because of its role or because a group does not divide its inputs.
std::optional<QuantizationParams> choose_quantization(const ModelTensor& tensor, const QuantizationChoice& choice);

// Returns {"group_size", "bits", "mode"} and one entry for each router, named as MLX names the module. Routers are
// affine.
Json quantization_block(const std::vector<ModelTensor>& tensors, const QuantizationChoice& choice,
                        const FileForm& form);

// Returns the tensors that a module becomes in an MLX file: codes, scales and (affine) biases, or one tensor of
// float_dtype.
std::vector<SafetensorsWriter::Declaration> declare_mlx(const ModelTensor& tensor,
                                                        const std::optional<QuantizationParams>& params,
                                                        DType float_dtype, const FileForm& form);

// Returns the tensors that a module becomes in a Hugging Face file. A stack of experts becomes one tensor an expert or,
// when fused, a tensor under a name without ".weight". Fused files hold gate and up in one tensor, gate first, so that
// up_proj becomes no tensor of its own.
std::vector<SafetensorsWriter::Declaration> declare_hf(const ModelTensor& tensor, DType dtype, const FileForm& form);

}  // namespace moebius::internal
