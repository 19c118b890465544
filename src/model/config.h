// Facts about a model. They come from config.json and nothing else. Choices of the user are in ModelOptions (model.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/shapes.h"
#include "base/json.h"
#include "model/rope.h"

namespace moebius::internal {

enum class LayerKind : uint8_t { kLinearAttention, kFullAttention };
enum class MlpKind : uint8_t { kDense, kMoe };
// How Hugging Face files store the weight w of an RMSNorm: as w (kPlain), or as w - 1 (kZeroCentred). Converted (MLX)
// files of every family store w.
enum class NormForm : uint8_t { kPlain, kZeroCentred };

struct ModelConfig {
  std::string model_type;  // normalised: "qwen3_5_moe"
  int64_t layers = 0;
  int64_t dim = 0;    // D
  int64_t vocab = 0;  // V, rows of the embedding
  float eps = 1e-6f;
  NormForm norms = NormForm::kZeroCentred;
  bool tied_embeddings = false;
  int64_t max_positions = 0;
  std::vector<LayerKind> layer_kinds;  // [layers]
  std::vector<MlpKind> mlp_kinds;      // [layers]

  // full attention
  int64_t heads = 0, kv_heads = 0, head_dim = 0, rotary_dim = 0;
  double rope_theta = 0;
  std::optional<Yarn> yarn;
  bool attention_gate = true;

  // GatedDeltaNet
  int64_t key_heads = 0, value_heads = 0, key_head_dim = 0, value_head_dim = 0, conv_kernel = 4;
  bool sigmoid_output_gate = false;

  // MLPs. dense_width is F of the dense MLPs. Experts belong to the routed MLPs. 0 where the model lacks the kind.
  int64_t dense_width = 0;
  int64_t experts = 0, top_k = 0, expert_width = 0, shared_width = 0;
  bool renormalize = true;

  [[nodiscard]] RopeSpec rope() const { return {rotary_dim, rope_theta, yarn}; }
  // The shapes that operations and states use. The delta and router shapes are zeros in a model without such layers.
  [[nodiscard]] AttentionShape attention_shape() const;
  [[nodiscard]] DeltaShape delta_shape() const;
  [[nodiscard]] RouterShape router_shape() const;
  [[nodiscard]] int64_t count(LayerKind kind) const;
  [[nodiscard]] int64_t count(MlpKind kind) const;
};

// root: the whole config.json. Checks every value. Throws kBadConfig, naming the field, for an impossible value, and
// kUnsupported for a value that changes the maths in a way that is not implemented.
ModelConfig parse_model_config(const Json& root, const std::string& where);

}  // namespace moebius::internal
