// The pieces of config.json that families share, each read once and checked whole: a family's config mapping is a list
// of these. Lives here: which keys, aliases and fallbacks a piece has. Does not live here: which pieces a family has
// (the family's own file) and which family a model_type means (registry.cpp).
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "model/config.h"

namespace moebius::internal {

inline constexpr int64_t kMaxPositions = 1 << 24;

// config.json as a whole and its text part: `text_config` of a vision wrapper, or the root of a text-only export.
class ConfigSource {
 public:
  ConfigSource(const Json& root, const std::string& where);

  [[nodiscard]] const JsonObject& root() const { return root_; }
  [[nodiscard]] const JsonObject& text() const { return text_; }

 private:
  JsonObject root_;
  JsonObject text_;
};

// Every reader throws kBadConfig naming the field for a value that cannot be, kUnsupported for one that would change
// the maths. Call read_trunk first: the others need its layers and sizes.
void read_trunk(ModelConfig& config, const ConfigSource& source);        // sizes, norm, activation, tied embeddings
void read_layer_kinds(ModelConfig& config, const ConfigSource& source);  // layer_types or full_attention_interval
void read_full_attention_layers(ModelConfig& config, const ConfigSource& source);  // all; layer_types may say so
// default_head_dim: nullopt for hidden_size / num_attention_heads.
void read_attention(ModelConfig& config, const ConfigSource& source, std::optional<int64_t> default_head_dim);
void read_rope(ModelConfig& config, const ConfigSource& source, double default_partial_factor);  // raises max_positions
void read_delta_net(ModelConfig& config, const ConfigSource& source);
// Which layers have routed experts: all, none, or what mlp_only_layers and decoder_sparse_step say.
void read_mlp_kinds(ModelConfig& config, const ConfigSource& source);
void read_dense_mlp(ModelConfig& config, const ConfigSource& source);
void read_experts(ModelConfig& config, const ConfigSource& source);  // routed ones
void read_shared_expert(ModelConfig& config, const ConfigSource& source);

}  // namespace moebius::internal
