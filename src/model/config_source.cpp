// Readers of the shared pieces of config.json. The reader of RoPE is in config_rope.cpp. No real model exceeds the
// bounds below. They keep every product of two or three of them inside int64.
#include "model/config_source.h"

#include <fmt/format.h>

#include <string_view>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr int64_t kMaxDim = 1 << 17;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxHeads = 1024;
constexpr int64_t kMaxHeadDim = 1024;
constexpr int64_t kMaxExperts = 4096;

JsonObject text_part(const JsonObject& root) { return root.has("text_config") ? root.object("text_config") : root; }

// The part that holds the key: the root, or else the text part. Published wrappers put such keys in either.
const JsonObject& holder(const ConfigSource& source, std::string_view key) {
  return source.root().has(key) ? source.root() : source.text();
}

void refuse_true(const JsonObject& object, std::string_view key, const std::string& why) {
  if (object.boolean(key, false)) throw Error(ErrorCode::kUnsupported, object.where(key), "true; " + why);
}

void check_divides(const JsonObject& object, std::string_view key, int64_t value, int64_t divisor,
                   std::string_view divisor_key) {
  if (value % divisor == 0) return;
  throw Error(ErrorCode::kBadConfig, object.where(key),
              fmt::format("expected a multiple of {} ({}), got {}", divisor_key, divisor, value));
}

LayerKind layer_kind(const Json& value, const std::string& where) {
  if (!value.is_string()) throw Error(ErrorCode::kBadConfig, where, "expected a string");
  const auto& text = value.get_ref<const std::string&>();
  if (text == "linear_attention") return LayerKind::kLinearAttention;
  if (text == "full_attention") return LayerKind::kFullAttention;
  throw Error(ErrorCode::kUnsupported, where, "expected linear_attention or full_attention, got " + in_quotes(text));
}

size_t layer_index(const Json& value, int64_t layers, const std::string& where) {
  const bool valid = value.is_number_integer() && value >= 0 && value < layers;
  if (valid) return value.get<size_t>();
  throw Error(ErrorCode::kBadConfig, where, fmt::format("expected a layer, an integer from 0 to {}", layers - 1));
}

}  // namespace

ConfigSource::ConfigSource(const Json& root, const std::string& where) : root_(root, where), text_(text_part(root_)) {}

void read_trunk(ModelConfig& config, const ConfigSource& source) {
  const JsonObject& text = source.text();
  config.dim = text.integer("hidden_size", 1, kMaxDim);
  config.layers = text.integer("num_hidden_layers", 1, kMaxLayers);
  config.vocab = text.integer("vocab_size", 1, kMaxVocab);
  config.eps = static_cast<float>(text.number("rms_norm_eps", 1e-12, 1e-2, 1e-6));
  config.max_positions = text.integer("max_position_embeddings", 1, kMaxPositions, 262144);
  config.tied_embeddings = holder(source, "tie_word_embeddings").boolean("tie_word_embeddings", false);
  const std::string activation = text.string("hidden_act", "silu");
  if (activation != "silu") {
    throw Error(ErrorCode::kUnsupported, text.where("hidden_act"), "expected silu, got " + in_quotes(activation));
  }
}

void read_layer_kinds(ModelConfig& config, const ConfigSource& source) {
  const JsonObject& text = source.text();
  config.layer_kinds.clear();
  if (!text.has("layer_types")) {
    const int64_t interval = text.integer("full_attention_interval", 1, kMaxLayers, 4);
    for (int64_t i = 0; i < config.layers; ++i) {
      config.layer_kinds.push_back((i + 1) % interval == 0 ? LayerKind::kFullAttention : LayerKind::kLinearAttention);
    }
    return;
  }
  const Json& kinds = text.array("layer_types");
  if (static_cast<int64_t>(kinds.size()) != config.layers) {
    throw Error(ErrorCode::kBadConfig, text.where("layer_types"),
                fmt::format("expected {} entries (num_hidden_layers), got {}", config.layers, kinds.size()));
  }
  for (size_t i = 0; i < kinds.size(); ++i) {
    config.layer_kinds.push_back(layer_kind(kinds[i], text.where(fmt::format("layer_types[{}]", i))));
  }
}

void read_full_attention_layers(ModelConfig& config, const ConfigSource& source) {
  config.layer_kinds.assign(static_cast<size_t>(config.layers), LayerKind::kFullAttention);
  if (!source.text().has("layer_types")) return;
  read_layer_kinds(config, source);
  if (config.count(LayerKind::kLinearAttention) == 0) return;
  throw Error(ErrorCode::kBadConfig, source.text().where("layer_types"),
              "this family has no layers of linear attention");
}

void read_attention(ModelConfig& config, const ConfigSource& source, std::optional<int64_t> default_head_dim) {
  const JsonObject& text = source.text();
  config.heads = text.integer("num_attention_heads", 1, kMaxHeads);
  config.kv_heads = text.integer("num_key_value_heads", 1, config.heads);
  config.head_dim = text.integer("head_dim", 1, kMaxHeadDim, default_head_dim.value_or(config.dim / config.heads));
  check_divides(text, "num_attention_heads", config.heads, config.kv_heads, "num_key_value_heads");
  refuse_true(text, "attention_bias", "biases of the attention projections are not implemented");
  refuse_true(text, "use_sliding_window", "sliding-window attention is not implemented");
}

void read_delta_net(ModelConfig& config, const ConfigSource& source) {
  if (config.count(LayerKind::kLinearAttention) == 0) return;
  const JsonObject& text = source.text();
  config.key_heads = text.integer("linear_num_key_heads", 1, kMaxHeads, 16);
  config.value_heads = text.integer("linear_num_value_heads", 1, kMaxHeads, 32);
  config.key_head_dim = text.integer("linear_key_head_dim", 1, kMaxHeadDim, 128);
  config.value_head_dim = text.integer("linear_value_head_dim", 1, kMaxHeadDim, 128);
  // At least 2 taps: with one, the shape [C, 1, 1] would not tell a raw checkpoint from a converted one (weights.h).
  config.conv_kernel = text.integer("linear_conv_kernel_dim", 2, 16, 4);
  check_divides(text, "linear_num_value_heads", config.value_heads, config.key_heads, "linear_num_key_heads");
  const std::string gate = text.string("output_gate_type", "swish");  // gate of z; the attention gate is a sigmoid
  if (gate != "swish" && gate != "sigmoid") {
    throw Error(ErrorCode::kUnsupported, text.where("output_gate_type"),
                "expected swish or sigmoid, got " + in_quotes(gate));
  }
  config.sigmoid_output_gate = gate == "sigmoid";
}

void read_mlp_kinds(ModelConfig& config, const ConfigSource& source) {
  const JsonObject& text = source.text();
  const int64_t step = text.integer("decoder_sparse_step", 1, kMaxLayers, 1);
  config.mlp_kinds.clear();
  for (int64_t i = 0; i < config.layers; ++i) {
    config.mlp_kinds.push_back((i + 1) % step == 0 ? MlpKind::kMoe : MlpKind::kDense);
  }
  if (!text.has("mlp_only_layers")) return;
  const Json& dense = text.array("mlp_only_layers");
  for (size_t i = 0; i < dense.size(); ++i) {
    config.mlp_kinds[layer_index(dense[i], config.layers, text.where(fmt::format("mlp_only_layers[{}]", i)))] =
        MlpKind::kDense;
  }
}

void read_dense_mlp(ModelConfig& config, const ConfigSource& source) {
  config.dense_width = source.text().integer("intermediate_size", 1, kMaxDim);
}

void read_experts(ModelConfig& config, const ConfigSource& source) {
  const JsonObject& text = source.text();
  const std::string_view count_key = text.has("num_experts") ? "num_experts" : "num_local_experts";
  config.experts = text.integer(text.has(count_key) ? count_key : "num_experts", 1, kMaxExperts);
  config.top_k = text.integer("num_experts_per_tok", 1, config.experts);
  config.expert_width = text.integer("moe_intermediate_size", 1, kMaxDim);
}

void read_shared_expert(ModelConfig& config, const ConfigSource& source) {
  config.shared_width = source.text().integer("shared_expert_intermediate_size", 1, kMaxDim);
}

}  // namespace moebius::internal
