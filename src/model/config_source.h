// Readers for the pieces of config.json that families share. Each piece is read once and checked whole. A family maps
// config.json to a ModelConfig by a list of these calls. This file knows the keys, aliases and fallbacks of a piece.
// The file of each family knows which pieces the family has, and registry.cpp knows which family a model_type means.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "model/config.h"

namespace moebius::internal {

inline constexpr int64_t kMaxPositions = 1 << 24;

// The whole config.json and its text part. The text part is `text_config` of a vision wrapper, or the root of a
// text-only export.
class ConfigSource {
 public:
  ConfigSource(const Json& root, const std::string& where);

  [[nodiscard]] const JsonObject& root() const { return root_; }
  [[nodiscard]] const JsonObject& text() const { return text_; }

 private:
  JsonObject root_;
  JsonObject text_;
};

// Every reader names the field when it throws: kBadConfig for an impossible value, kUnsupported for a value that would
// change the maths. Call read_trunk first: the other readers need its layers and sizes.
void read_trunk(ModelConfig& config, const ConfigSource& source);        // sizes, norm, activation, tied embeddings
void read_layer_kinds(ModelConfig& config, const ConfigSource& source);  // layer_types or full_attention_interval
// Makes every layer full attention. Throws kBadConfig when layer_types names another kind.
void read_full_attention_layers(ModelConfig& config, const ConfigSource& source);
// default_head_dim: nullopt for hidden_size / num_attention_heads.
void read_attention(ModelConfig& config, const ConfigSource& source, std::optional<int64_t> default_head_dim);
// YaRN raises max_positions.
void read_rope(ModelConfig& config, const ConfigSource& source, double default_partial_factor);
void read_delta_net(ModelConfig& config, const ConfigSource& source);
// Decides by mlp_only_layers and decoder_sparse_step which layers have routed experts. Without these keys all have.
void read_mlp_kinds(ModelConfig& config, const ConfigSource& source);
void read_dense_mlp(ModelConfig& config, const ConfigSource& source);
void read_experts(ModelConfig& config, const ConfigSource& source);  // the routed experts
void read_shared_expert(ModelConfig& config, const ConfigSource& source);

}  // namespace moebius::internal
