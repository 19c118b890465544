// See config_json.h. There are two generations of config.json. Qwen3.5 keeps its text part in the config of a vision
// model and RoPE in an object. In older families all keys are flat.
#include "convert/config_json.h"

#include <initializer_list>

#include "base/check.h"

namespace moebius::internal {
namespace {

constexpr int64_t kFullAttentionInterval = 4;

double partial_rotary_factor(const ModelConfig& config) {
  return static_cast<double>(config.rotary_dim) / static_cast<double>(config.head_dim);
}

// ---- pieces that families share

Json trunk_json(const ModelConfig& config) {
  return {{"vocab_size", config.vocab},
          {"hidden_size", config.dim},
          {"num_hidden_layers", config.layers},
          {"hidden_act", "silu"},
          {"rms_norm_eps", 1e-6},
          {"max_position_embeddings", config.max_positions},
          {"tie_word_embeddings", config.tied_embeddings}};
}

Json attention_json(const ModelConfig& config) {
  return {{"num_attention_heads", config.heads},
          {"num_key_value_heads", config.kv_heads},
          {"head_dim", config.head_dim},
          {"attention_bias", false}};
}

Json delta_net_json(const ModelConfig& config) {
  return {{"full_attention_interval", kFullAttentionInterval}, {"linear_num_key_heads", config.key_heads},
          {"linear_num_value_heads", config.value_heads},      {"linear_key_head_dim", config.key_head_dim},
          {"linear_value_head_dim", config.value_head_dim},    {"linear_conv_kernel_dim", config.conv_kernel}};
}

Json experts_json(const ModelConfig& config) {
  Json json = {{"num_experts", config.experts},
               {"num_experts_per_tok", config.top_k},
               {"moe_intermediate_size", config.expert_width}};
  if (config.shared_width > 0) json["shared_expert_intermediate_size"] = config.shared_width;
  return json;
}

Json join(std::initializer_list<Json> parts) {
  Json all = Json::object();
  for (const Json& part : parts) all.update(part);
  return all;
}

// ---- Qwen3.5

// Returns how many rotary frequencies belong to time, height and width. Only vision positions tell the three apart.
Json mrope_section(int64_t frequencies) {
  const int64_t time = (frequencies + 2) / 3;
  const int64_t height = (frequencies - time + 1) / 2;
  return {time, height, frequencies - time - height};
}

Json rope_json(const ModelConfig& config) {
  return {{"rope_type", "default"},
          {"rope_theta", config.rope_theta},
          {"partial_rotary_factor", partial_rotary_factor(config)},
          {"mrope_interleaved", true},
          {"mrope_section", mrope_section(config.rotary_dim / 2)}};
}

Json layer_types_json(const ModelConfig& config) {
  Json types = Json::array();
  for (const LayerKind kind : config.layer_kinds) {
    types.push_back(kind == LayerKind::kFullAttention ? "full_attention" : "linear_attention");
  }
  return types;
}

Json qwen3_5_json(const ModelConfig& config) {
  const Json own = {{"model_type", config.model_type + "_text"},
                    {"dtype", "bfloat16"},
                    {"layer_types", layer_types_json(config)},
                    {"attn_output_gate", config.attention_gate},
                    {"rope_parameters", rope_json(config)},
                    {"mamba_ssm_dtype", "float32"},
                    {"mtp_num_hidden_layers", 0}};
  const bool dense = config.experts == 0;
  const Json mlp = dense ? Json{{"intermediate_size", config.dense_width}} : experts_json(config);
  return {{"architectures", {dense ? "Qwen3_5ForConditionalGeneration" : "Qwen3_5MoeForConditionalGeneration"}},
          {"model_type", config.model_type},
          {"text_config", join({own, trunk_json(config), attention_json(config), delta_net_json(config), mlp})},
          {"tie_word_embeddings", config.tied_embeddings}};
}

// ---- older families

// dense_width: a published value, which is of no use where every layer has experts.
Json flat_json(const ModelConfig& config, const char* architecture, int64_t dense_width) {
  MOEBIUS_CHECK(config.count(MlpKind::kDense) == 0);
  return join({{{"architectures", {architecture}}, {"model_type", config.model_type}, {"torch_dtype", "bfloat16"}},
               trunk_json(config),
               attention_json(config),
               {{"rope_theta", config.rope_theta}, {"rope_scaling", nullptr}, {"use_sliding_window", false}},
               {{"intermediate_size", dense_width}, {"decoder_sparse_step", 1}, {"mlp_only_layers", Json::array()}},
               experts_json(config),
               {{"norm_topk_prob", config.renormalize}}});
}

Json qwen3_next_json(const ModelConfig& config) {
  const Json own = {{"partial_rotary_factor", partial_rotary_factor(config)}};
  return join({flat_json(config, "Qwen3NextForCausalLM", 5120), own, delta_net_json(config)});
}

Json qwen3_moe_json(const ModelConfig& config) {
  const Json own = {{"max_window_layers", config.layers}, {"sliding_window", nullptr}};
  return join({flat_json(config, "Qwen3MoeForCausalLM", 6144), own});
}

}  // namespace

Json config_json(const ModelConfig& config) {
  if (config.model_type == "qwen3_moe") return qwen3_moe_json(config);
  if (config.model_type == "qwen3_next") return qwen3_next_json(config);
  return qwen3_5_json(config);
}

}  // namespace moebius::internal
