// See presets.h. Dimensions: the published config.json files of Qwen3.5.
#include "convert/presets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "moebius/error.h"

namespace moebius {
namespace {

struct Preset {
  const char* name;
  int64_t layers, dim, heads, key_heads, value_heads;
  int64_t experts, top_k, width;  // the shared expert of the published models is as wide as a routed one
};

constexpr Preset kPublished[] = {
    {"qwen3.5-35b-a3b", 40, 2048, 16, 16, 32, 256, 8, 512},
    {"qwen3.5-122b-a10b", 48, 3072, 32, 16, 64, 256, 8, 1024},
    {"qwen3.5-397b-a17b", 60, 4096, 32, 16, 64, 512, 10, 1024},
};
constexpr const char* kTiny = "tiny";
constexpr int64_t kFullAttentionInterval = 4;
constexpr int64_t kMaxLayers = 1000;

ModelConfig common_config() {
  ModelConfig config;
  config.model_type = "qwen3_5_moe";
  config.vocab = 248320;
  config.max_positions = 262144;
  config.kv_heads = 2;
  config.head_dim = 256;
  config.rotary_dim = 64;
  config.rope_theta = 1e7;
  config.key_head_dim = 128;
  config.value_head_dim = 128;
  return config;
}

ModelConfig published_config(const Preset& preset) {
  ModelConfig config = common_config();
  config.dim = preset.dim;
  config.heads = preset.heads;
  config.key_heads = preset.key_heads;
  config.value_heads = preset.value_heads;
  config.experts = preset.experts;
  config.top_k = preset.top_k;
  config.expert_width = preset.width;
  config.shared_width = preset.width;
  set_layers(config, preset.layers);
  return config;
}

// A few MB with every kind of layer; every inner dimension is a multiple of 128, so that all groups fit.
ModelConfig tiny_config() {
  ModelConfig config = common_config();
  config.vocab = 1024;
  config.max_positions = 4096;
  config.dim = 256;
  config.heads = 4;
  config.head_dim = 64;
  config.rotary_dim = 16;
  config.key_heads = 2;
  config.value_heads = 4;
  config.key_head_dim = 64;
  config.value_head_dim = 64;
  config.experts = 8;
  config.top_k = 2;
  config.expert_width = 128;
  config.shared_width = 256;
  set_layers(config, kFullAttentionInterval);
  return config;
}

// How many rotary frequencies belong to time, height and width; only vision positions tell them apart.
Json mrope_section(int64_t frequencies) {
  const int64_t time = (frequencies + 2) / 3;
  const int64_t height = (frequencies - time + 1) / 2;
  return {time, height, frequencies - time - height};
}

Json rope_json(const ModelConfig& config) {
  return {{"rope_type", "default"},
          {"rope_theta", config.rope_theta},
          {"partial_rotary_factor", static_cast<double>(config.rotary_dim) / static_cast<double>(config.head_dim)},
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

Json text_config_json(const ModelConfig& config) {
  return {{"model_type", "qwen3_5_moe_text"},
          {"dtype", "bfloat16"},
          {"vocab_size", config.vocab},
          {"hidden_size", config.dim},
          {"num_hidden_layers", config.layers},
          {"layer_types", layer_types_json(config)},
          {"full_attention_interval", kFullAttentionInterval},
          {"hidden_act", "silu"},
          {"rms_norm_eps", 1e-6},
          {"max_position_embeddings", config.max_positions},
          {"num_attention_heads", config.heads},
          {"num_key_value_heads", config.kv_heads},
          {"head_dim", config.head_dim},
          {"attention_bias", false},
          {"attn_output_gate", config.attention_gate},
          {"rope_parameters", rope_json(config)},
          {"linear_num_key_heads", config.key_heads},
          {"linear_num_value_heads", config.value_heads},
          {"linear_key_head_dim", config.key_head_dim},
          {"linear_value_head_dim", config.value_head_dim},
          {"linear_conv_kernel_dim", config.conv_kernel},
          {"mamba_ssm_dtype", "float32"},
          {"num_experts", config.experts},
          {"num_experts_per_tok", config.top_k},
          {"moe_intermediate_size", config.expert_width},
          {"shared_expert_intermediate_size", config.shared_width},
          {"mtp_num_hidden_layers", 0},
          {"tie_word_embeddings", config.tied_embeddings}};
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPublished) names.emplace_back(preset.name);
  names.emplace_back(kTiny);
  return names;
}

std::string preset_list() { return fmt::format("{}", fmt::join(preset_names(), ", ")); }

ModelConfig preset_config(const std::string& preset) {
  if (preset == kTiny) return tiny_config();
  const auto* found = std::find_if(std::begin(kPublished), std::end(kPublished),
                                   [&](const Preset& candidate) { return preset == candidate.name; });
  if (found != std::end(kPublished)) return published_config(*found);
  throw Error(ErrorCode::kUsage, "--preset", fmt::format("no shape is called '{}'", preset),
              "choose one of " + preset_list());
}

void set_layers(ModelConfig& config, int64_t layers) {
  if (layers < 1 || layers > kMaxLayers) {
    throw Error(ErrorCode::kUsage, "--layers", fmt::format("expected 1 to {}, got {}", kMaxLayers, layers));
  }
  config.layers = layers;
  config.layer_kinds.assign(layers, LayerKind::kLinearAttention);
  for (int64_t i = kFullAttentionInterval - 1; i < layers; i += kFullAttentionInterval) {
    config.layer_kinds[i] = LayerKind::kFullAttention;
  }
}

Json config_json(const ModelConfig& config) {
  return {{"architectures", {"Qwen3_5MoeForConditionalGeneration"}},
          {"model_type", config.model_type},
          {"text_config", text_config_json(config)},
          {"tie_word_embeddings", config.tied_embeddings}};
}

}  // namespace moebius
