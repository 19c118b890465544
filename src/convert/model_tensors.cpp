// See model_tensors.h. The order is that of the written files: the order in which a forward pass needs the tensors.
#include "convert/model_tensors.h"

#include <fmt/format.h>

namespace moebius::internal {
namespace {

using Table = std::vector<ModelTensor>;

void add_norm(Table& table, const std::string& module, int64_t length) {
  table.push_back({module, TensorRole::kNorm, 1, length});
}

void add_matrix(Table& table, const std::string& module, int64_t rows, int64_t cols) {
  table.push_back({module, TensorRole::kMatrix, rows, cols});
}

void add_full_attention(Table& table, const std::string& prefix, const ModelConfig& c) {
  const int64_t query_dim = c.heads * c.head_dim;
  add_matrix(table, prefix + "q_proj", c.attention_gate ? 2 * query_dim : query_dim, c.dim);
  add_matrix(table, prefix + "k_proj", c.kv_heads * c.head_dim, c.dim);
  add_matrix(table, prefix + "v_proj", c.kv_heads * c.head_dim, c.dim);
  add_matrix(table, prefix + "o_proj", c.dim, query_dim);
  add_norm(table, prefix + "q_norm", c.head_dim);
  add_norm(table, prefix + "k_norm", c.head_dim);
}

void add_linear_attention(Table& table, const std::string& prefix, DeltaNetForm form, const ModelConfig& c) {
  if (form == DeltaNetForm::kInterleaved) {
    add_matrix(table, prefix + "in_proj_qkvz", c.delta_shape().conv_dim() + c.delta_shape().value_dim(), c.dim);
    add_matrix(table, prefix + "in_proj_ba", 2 * c.value_heads, c.dim);
  } else {
    add_matrix(table, prefix + "in_proj_qkv", c.delta_shape().conv_dim(), c.dim);
    add_matrix(table, prefix + "in_proj_z", c.delta_shape().value_dim(), c.dim);
    add_matrix(table, prefix + "in_proj_b", c.value_heads, c.dim);
    add_matrix(table, prefix + "in_proj_a", c.value_heads, c.dim);
  }
  table.push_back({prefix + "conv1d", TensorRole::kConv, c.delta_shape().conv_dim(), c.conv_kernel});
  table.push_back({prefix + "A_log", TensorRole::kDecay, 1, c.value_heads});
  table.push_back({prefix + "dt_bias", TensorRole::kTimeStep, 1, c.value_heads});
  table.push_back({prefix + "norm", TensorRole::kGatedNorm, 1, c.value_head_dim});
  add_matrix(table, prefix + "out_proj", c.dim, c.delta_shape().value_dim());
}

void add_dense(Table& table, const std::string& prefix, int64_t width, int64_t dim) {
  add_matrix(table, prefix + "gate_proj", width, dim);
  add_matrix(table, prefix + "up_proj", width, dim);
  add_matrix(table, prefix + "down_proj", dim, width);
}

void add_moe(Table& table, const std::string& prefix, const ModelConfig& c) {
  table.push_back({prefix + "gate", TensorRole::kRouter, c.experts, c.dim});
  table.push_back({prefix + "switch_mlp.gate_proj", TensorRole::kMatrix, c.expert_width, c.dim, c.experts});
  table.push_back({prefix + "switch_mlp.up_proj", TensorRole::kMatrix, c.expert_width, c.dim, c.experts});
  table.push_back({prefix + "switch_mlp.down_proj", TensorRole::kMatrix, c.dim, c.expert_width, c.experts});
  if (c.shared_width == 0) return;
  add_dense(table, prefix + "shared_expert.", c.shared_width, c.dim);
  table.push_back({prefix + "shared_expert_gate", TensorRole::kRouter, 1, c.dim});
}

struct LayerForm {
  LayerKind mixer;
  DeltaNetForm delta_net;  // used where mixer is linear
  MlpKind mlp;
};

void add_layer(Table& table, const std::string& prefix, const LayerForm& form, const ModelConfig& c) {
  add_norm(table, prefix + "input_layernorm", c.dim);
  if (form.mixer == LayerKind::kFullAttention) {
    add_full_attention(table, prefix + "self_attn.", c);
  } else {
    add_linear_attention(table, prefix + "linear_attn.", form.delta_net, c);
  }
  add_norm(table, prefix + "post_attention_layernorm", c.dim);
  if (form.mlp == MlpKind::kMoe) {
    add_moe(table, prefix + "mlp.", c);
  } else {
    add_dense(table, prefix + "mlp.", c.dense_width, c.dim);
  }
}

}  // namespace

std::string ModelTensor::name() const {
  const bool bare = role == TensorRole::kDecay || role == TensorRole::kTimeStep;
  return bare ? module : module + ".weight";
}

bool ModelTensor::is_quantizable() const {
  return role == TensorRole::kMatrix || role == TensorRole::kEmbedding || role == TensorRole::kRouter;
}

bool ModelTensor::is_vector() const {
  return role == TensorRole::kNorm || role == TensorRole::kGatedNorm || role == TensorRole::kDecay ||
         role == TensorRole::kTimeStep;
}

std::vector<ModelTensor> model_tensors(const ModelConfig& config, DeltaNetForm form) {
  Table table;
  table.push_back({"model.embed_tokens", TensorRole::kEmbedding, config.vocab, config.dim});
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    add_layer(table, fmt::format("model.layers.{}.", layer), {config.layer_kinds[layer], form, config.mlp_kinds[layer]},
              config);
  }
  add_norm(table, "model.norm", config.dim);
  if (!config.tied_embeddings) add_matrix(table, "lm_head", config.vocab, config.dim);
  return table;
}

std::vector<ModelTensor> mtp_tensors(const ModelConfig& config, int64_t layers) {
  Table table;
  if (layers == 0) return table;
  const LayerForm form = {LayerKind::kFullAttention, {}, config.experts > 0 ? MlpKind::kMoe : MlpKind::kDense};
  add_norm(table, "mtp.pre_fc_norm_embedding", config.dim);
  add_norm(table, "mtp.pre_fc_norm_hidden", config.dim);
  table.push_back({"mtp.fc", TensorRole::kFloat, config.dim, 2 * config.dim});
  for (int64_t layer = 0; layer < layers; ++layer) {
    add_layer(table, fmt::format("mtp.layers.{}.", layer), form, config);
  }
  add_norm(table, "mtp.norm", config.dim);
  return table;
}

}  // namespace moebius::internal
