// See presets.h. The dimensions are those of the published config.json files.
#include "convert/presets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

struct Preset {
  const char* name;
  const char* family;
  int64_t layers, dim, heads, kv_heads, key_heads, value_heads;
  int64_t experts, top_k;
  int64_t width;  // of an expert and of the shared one (equally wide in all published models), or of a dense MLP
};

constexpr Preset kPublished[] = {
    {"qwen3.5-35b-a3b", "qwen3_5_moe", 40, 2048, 16, 2, 16, 32, 256, 8, 512},
    {"qwen3.5-122b-a10b", "qwen3_5_moe", 48, 3072, 32, 2, 16, 64, 256, 8, 1024},
    {"qwen3.5-397b-a17b", "qwen3_5_moe", 60, 4096, 32, 2, 16, 64, 512, 10, 1024},
    {"qwen3.5-27b", "qwen3_5", 64, 5120, 24, 4, 16, 48, 0, 0, 17408},
    {"qwen3-next-80b-a3b", "qwen3_next", 48, 2048, 16, 2, 16, 32, 512, 10, 512},
    {"qwen3-30b-a3b", "qwen3_moe", 48, 2048, 32, 4, 0, 0, 128, 8, 768},
};

// Models of a few MB with every kind of layer of a family. Every inner dimension is a multiple of 128, so that all
// groups fit.
constexpr Preset kTiny[] = {
    {"tiny", "qwen3_5_moe", 4, 256, 4, 2, 2, 4, 8, 2, 128},
    {"tiny-qwen3.5", "qwen3_5", 4, 256, 4, 2, 2, 6, 0, 0, 384},
    {"tiny-qwen3-next", "qwen3_next", 4, 256, 4, 2, 2, 4, 8, 2, 128},
    {"tiny-qwen3-moe", "qwen3_moe", 2, 256, 4, 2, 0, 0, 8, 2, 128},
};

constexpr int64_t kFullAttentionInterval = 4;
constexpr int64_t kMaxLayers = 1000;

// Returns the settings that all sizes of a family have in common.
ModelConfig family_config(std::string_view family) {
  ModelConfig config;
  config.model_type = family;
  const bool is_3_5 = family == "qwen3_5" || family == "qwen3_5_moe";
  config.vocab = is_3_5 ? 248320 : 151936;
  if (family == "qwen3_moe") {
    config.norms = NormForm::kPlain;
    config.max_positions = 40960;
    config.head_dim = config.rotary_dim = 128;
    config.rope_theta = 1e6;
    config.attention_gate = false;
    return config;
  }
  config.max_positions = 262144;
  config.head_dim = 256;
  config.rotary_dim = 64;
  config.rope_theta = 1e7;
  config.key_head_dim = 128;
  config.value_head_dim = 128;
  return config;
}

ModelConfig published_config(const Preset& preset) {
  ModelConfig config = family_config(preset.family);
  config.dim = preset.dim;
  config.heads = preset.heads;
  config.kv_heads = preset.kv_heads;
  config.key_heads = preset.key_heads;
  config.value_heads = preset.value_heads;
  config.experts = preset.experts;
  config.top_k = preset.top_k;
  (preset.experts > 0 ? config.expert_width : config.dense_width) = preset.width;
  if (config.experts > 0 && config.key_heads > 0) config.shared_width = preset.width;
  set_layers(config, preset.layers);
  return config;
}

ModelConfig tiny_config(const Preset& preset) {
  ModelConfig config = published_config(preset);
  config.vocab = 1024;
  config.max_positions = 4096;
  config.rotary_dim = config.rotary_dim * 64 / config.head_dim;
  config.head_dim = 64;
  if (config.key_heads > 0) config.key_head_dim = config.value_head_dim = 64;
  if (config.shared_width > 0) config.shared_width = 256;
  return config;
}

const Preset* find(std::span<const Preset> presets, const std::string& name) {
  const auto found = std::ranges::find_if(presets, [&](const Preset& preset) { return name == preset.name; });
  return found == presets.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPublished) names.emplace_back(preset.name);
  for (const Preset& preset : kTiny) names.emplace_back(preset.name);
  return names;
}

std::string preset_list() { return fmt::format("{}", fmt::join(preset_names(), ", ")); }

ModelConfig preset_config(const std::string& name) {
  if (const Preset* preset = find(kPublished, name)) return published_config(*preset);
  if (const Preset* preset = find(kTiny, name)) return tiny_config(*preset);
  throw Error(ErrorCode::kUsage, "--preset", fmt::format("no shape is called '{}'", name),
              "choose one of " + preset_list());
}

void set_layers(ModelConfig& config, int64_t layers) {
  if (layers < 1 || layers > kMaxLayers) {
    throw Error(ErrorCode::kUsage, "--layers", fmt::format("expected 1 to {}, got {}", kMaxLayers, layers));
  }
  const int64_t interval = config.key_heads > 0 ? kFullAttentionInterval : 1;
  config.layers = layers;
  config.layer_kinds.assign(layers, LayerKind::kLinearAttention);
  for (int64_t i = interval - 1; i < layers; i += interval) config.layer_kinds[i] = LayerKind::kFullAttention;
  config.mlp_kinds.assign(layers, config.experts > 0 ? MlpKind::kMoe : MlpKind::kDense);
}

}  // namespace moebius::internal
