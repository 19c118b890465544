// A table of the tensors of a checkpoint, made from its config. `synth` writes these tensors, and `quantize` expects to
// find them. Expert matrices are listed as stacks under MLX's names. layout.h and source.h deal with how a file spells
// or splits them. The table holds no bytes of tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"

namespace moebius::internal {

enum class TensorRole : uint8_t {
  kMatrix,     // a linear layer or a stack of experts
  kEmbedding,  // quantized like a matrix, but its rows are looked up
  kRouter,     // mlp.gate and mlp.shared_expert_gate: quantized by their own setting
  kFloat,      // a matrix that is never quantized: mtp.fc
  kConv,       // [rows, 1, cols] in Hugging Face files, [rows, cols, 1] in MLX files
  kNorm,       // around 1 in MLX files; in Hugging Face files around 0 where NormForm is kZeroCentred
  kGatedNorm,  // linear_attn.norm: around 1 everywhere
  kDecay,      // A_log
  kTimeStep,   // dt_bias
};

struct ModelTensor {
  std::string module;  // canonical, without ".weight": "model.layers.0.mlp.switch_mlp.gate_proj"
  TensorRole role = TensorRole::kMatrix;
  int64_t rows = 1;     // outputs; 1 for vectors
  int64_t cols = 0;     // inputs; the length of vectors
  int64_t experts = 0;  // 0: no stack

  [[nodiscard]] std::string name() const;  // with ".weight" where files have it
  [[nodiscard]] bool is_quantizable() const;
  [[nodiscard]] bool is_vector() const;
  [[nodiscard]] int64_t all_rows() const { return rows * (experts > 0 ? experts : 1); }
};

// The input projections of linear layers: in_proj_{qkv,z,b,a} (kFlat), or in_proj_{qkvz,ba} with the rows of each key
// head together (kInterleaved). Converters keep the form that they find.
enum class DeltaNetForm : uint8_t { kFlat, kInterleaved };

// Returns the embedding, the layers in order, the final norm and lm_head (absent when tied).
std::vector<ModelTensor> model_tensors(const ModelConfig& config, DeltaNetForm form);

// Returns the tensors of the multi-token-prediction head, `mtp.*`; none for 0 layers.
std::vector<ModelTensor> mtp_tensors(const ModelConfig& config, int64_t layers);

}  // namespace moebius::internal
