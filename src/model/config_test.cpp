// Tests the reading of config.json: which configs are accepted, and which error each bad value gives.
#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "model/testing/tiny_checkpoint.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::HasSubstr;
using testing::tiny_config;

// A config whose text part is under text_config, as in the published vision wrappers.
Json wrapper() {
  Json text = tiny_config();
  text["model_type"] = "qwen3_5_moe_text";
  text.erase("tie_word_embeddings");
  return Json{{"model_type", "qwen3_5_moe"}, {"text_config", text}, {"vision_config", Json::object()}};
}

TEST(Config, reads_a_text_only_export) {
  const ModelConfig config = parse_model_config(tiny_config(), "config.json");
  EXPECT_EQ(config.model_type, "qwen3_5_moe");
  EXPECT_EQ(config.layers, 4);
  EXPECT_EQ(config.dim, 64);
  EXPECT_EQ(config.vocab, 40);
  EXPECT_EQ(config.eps, 1e-6f);
  EXPECT_EQ(config.max_positions, 256);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.kv_heads, 2);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.rotary_dim, 4);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_TRUE(config.attention_gate);
  EXPECT_EQ(config.delta_shape().conv_dim(), 2 * 2 * 8 + 4 * 16);
  EXPECT_EQ(config.delta_shape().value_dim(), 64);
  EXPECT_EQ(config.experts, 6);
  EXPECT_EQ(config.top_k, 2);
  EXPECT_EQ(config.expert_width, 32);
  EXPECT_EQ(config.shared_width, 64);
  EXPECT_TRUE(config.renormalize);
  EXPECT_FALSE(config.tied_embeddings);
  EXPECT_FALSE(config.sigmoid_output_gate);
}

TEST(Config, reads_the_text_part_of_a_wrapper) {
  const ModelConfig config = parse_model_config(wrapper(), "config.json");
  EXPECT_EQ(config.model_type, "qwen3_5_moe");
  EXPECT_EQ(config.dim, 64);
}

TEST(Config, tied_embeddings_of_the_root_win_over_those_of_the_text) {
  Json root = wrapper();
  root["text_config"]["tie_word_embeddings"] = true;
  EXPECT_TRUE(parse_model_config(root, "config.json").tied_embeddings);
  root["tie_word_embeddings"] = false;
  EXPECT_FALSE(parse_model_config(root, "config.json").tied_embeddings);
}

TEST(Config, every_fourth_layer_is_full_attention_when_nothing_is_said) {
  Json root = tiny_config();
  root.erase("full_attention_interval");
  root["num_hidden_layers"] = 8;
  const ModelConfig config = parse_model_config(root, "config.json");
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(config.layer_kinds[i] == LayerKind::kFullAttention, i == 3 || i == 7) << i;
  }
  EXPECT_EQ(config.count(LayerKind::kFullAttention), 2);
  EXPECT_EQ(config.count(LayerKind::kLinearAttention), 6);
}

TEST(Config, layer_types_win_over_the_interval) {
  Json root = tiny_config();
  root["layer_types"] = {"full_attention", "linear_attention", "linear_attention", "linear_attention"};
  const ModelConfig config = parse_model_config(root, "config.json");
  EXPECT_EQ(config.layer_kinds[0], LayerKind::kFullAttention);
  EXPECT_EQ(config.layer_kinds[1], LayerKind::kLinearAttention);
}

TEST(Config, published_defaults_fill_absent_keys) {
  Json root = tiny_config();
  for (const char* key :
       {"head_dim", "rms_norm_eps", "hidden_act", "max_position_embeddings", "attn_output_gate", "linear_num_key_heads",
        "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim", "linear_conv_kernel_dim"}) {
    root.erase(key);
  }
  root["rope_parameters"].erase("partial_rotary_factor");
  const ModelConfig config = parse_model_config(root, "config.json");
  EXPECT_EQ(config.head_dim, 256);
  EXPECT_EQ(config.rotary_dim, 64);
  EXPECT_EQ(config.eps, 1e-6f);
  EXPECT_EQ(config.max_positions, 262144);
  EXPECT_TRUE(config.attention_gate);
  EXPECT_EQ(config.delta_shape().conv_dim(), 8192);
  EXPECT_EQ(config.conv_kernel, 4);
}

TEST(Config, num_local_experts_is_an_alias) {
  Json root = tiny_config();
  root.erase("num_experts");
  root["num_local_experts"] = 12;
  EXPECT_EQ(parse_model_config(root, "config.json").experts, 12);
}

TEST(Config, routed_weights_are_renormalized_whatever_norm_topk_prob_says) {
  Json root = tiny_config();
  root["norm_topk_prob"] = false;
  EXPECT_TRUE(parse_model_config(root, "config.json").renormalize);
}

TEST(Config, output_gate_type_is_that_of_the_linear_layers) {
  Json root = tiny_config();
  root["output_gate_type"] = "sigmoid";
  const ModelConfig config = parse_model_config(root, "config.json");
  EXPECT_TRUE(config.sigmoid_output_gate);
  EXPECT_TRUE(config.attention_gate);
}

struct BadCase {
  std::string name;
  std::function<void(Json&)> spoil;
  ErrorCode code;
  std::string field;
};

BadCase bad(const std::string& key, const Json& value, ErrorCode code = ErrorCode::kBadConfig) {
  return {key + " = " + value.dump(), [=](Json& root) { root[key] = value; }, code, key};
}

BadCase bad_rope(const std::string& key, const Json& value, ErrorCode code = ErrorCode::kBadConfig) {
  return {"rope " + key + " = " + value.dump(), [=](Json& root) { root["rope_parameters"][key] = value; }, code,
          "rope_parameters." + key};
}

BadCase missing(const std::string& key) {
  return {"no " + key, [=](Json& root) { root.erase(key); }, ErrorCode::kBadConfig, key};
}

std::vector<BadCase> impossible_values() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<BadCase> cases = {bad("num_attention_heads", 0),
                                bad("num_attention_heads", "4"),
                                bad("num_attention_heads", 4.5),
                                bad("num_key_value_heads", 0),
                                bad("num_key_value_heads", 5),
                                bad("num_key_value_heads", -2),
                                bad("head_dim", 0),
                                bad("head_dim", 1 << 20),
                                bad("hidden_size", 0),
                                bad("hidden_size", -64),
                                bad("num_hidden_layers", 0),
                                bad("num_hidden_layers", 1000000000),
                                bad("vocab_size", int64_t{1} << 31),
                                bad("vocab_size", 0),
                                bad("rms_norm_eps", 0.0),
                                bad("rms_norm_eps", -1e-6),
                                bad("rms_norm_eps", nan),
                                bad("max_position_embeddings", 0),
                                bad("tie_word_embeddings", "no"),
                                bad("full_attention_interval", 0),
                                bad("layer_types", Json::array()),
                                bad("layer_types", "full_attention"),
                                bad("layer_types", Json{"linear_attention", "full_attention", 3, 4}),
                                bad("rope_parameters", "default"),
                                bad_rope("rope_theta", nan),
                                bad_rope("rope_theta", 0),
                                bad_rope("rope_theta", "10000"),
                                bad_rope("partial_rotary_factor", 0.0),
                                bad_rope("partial_rotary_factor", 1.5),
                                bad_rope("partial_rotary_factor", 0.2),
                                bad("linear_num_key_heads", 0),
                                bad("linear_num_value_heads", 0),
                                bad("linear_num_value_heads", 3),
                                bad("linear_key_head_dim", 0),
                                bad("linear_value_head_dim", -1),
                                bad("linear_conv_kernel_dim", 1),
                                bad("num_experts", 0),
                                bad("num_experts_per_tok", 0),
                                bad("num_experts_per_tok", 7),
                                bad("moe_intermediate_size", 0),
                                bad("shared_expert_intermediate_size", 0)};
  for (const char* key :
       {"model_type", "hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads", "num_key_value_heads",
        "num_experts", "num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size"}) {
    cases.push_back(missing(key));
  }
  // 3 key/value heads are fewer than the 4 query heads, but they do not divide them.
  cases.push_back({"heads % kv_heads", [](Json& root) { root["num_key_value_heads"] = 3; }, ErrorCode::kBadConfig,
                   "num_attention_heads"});
  cases.push_back({"no rope_theta anywhere", [](Json& root) { root["rope_parameters"].erase("rope_theta"); },
                   ErrorCode::kBadConfig, "rope_theta"});
  return cases;
}

std::vector<BadCase> values_that_change_the_maths() {
  constexpr ErrorCode kUnsupported = ErrorCode::kUnsupported;
  std::vector<BadCase> cases = {
      bad("hidden_act", "gelu", kUnsupported), bad("attention_bias", true, kUnsupported),
      bad("use_sliding_window", true, kUnsupported), bad("output_gate_type", "tanh", kUnsupported),
      bad("layer_types", Json{"linear_attention", "full_attention", "sliding_attention", "full_attention"},
          kUnsupported)};
  for (const char* family : {"qwen3", "qwen3_vl_moe", "qwen3_5_mtp", "llama", ""}) {
    cases.push_back(bad("model_type", family, kUnsupported));
  }
  return cases;
}

void expect_refused(const BadCase& test, const Json& root, const std::string& path) {
  try {
    parse_model_config(root, "config.json");
    ADD_FAILURE() << test.name << ": was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), test.code) << test.name << ": " << error.what();
    EXPECT_THAT(error.what(), HasSubstr("config.json: " + path + test.field)) << test.name;
  }
}

TEST(Config, refuses_impossible_values_naming_the_field) {
  for (const BadCase& test : impossible_values()) {
    Json root = tiny_config();
    test.spoil(root);
    expect_refused(test, root, "");
  }
}

TEST(Config, refuses_what_would_change_the_maths_naming_the_field) {
  for (const BadCase& test : values_that_change_the_maths()) {
    Json root = tiny_config();
    test.spoil(root);
    expect_refused(test, root, "");
  }
}

TEST(Config, names_the_field_inside_text_config) {
  const BadCase test = bad("num_attention_heads", 0);
  Json root = wrapper();
  test.spoil(root["text_config"]);
  expect_refused(test, root, "text_config.");
}

TEST(Config, refuses_a_wrapper_around_another_model) {
  const BadCase test = bad("model_type", "qwen3_5_text");
  Json root = wrapper();
  test.spoil(root["text_config"]);
  expect_refused(test, root, "text_config.");
}

TEST(Config, refuses_a_root_that_is_no_object) {
  EXPECT_THROW(parse_model_config(Json::array(), "config.json"), Error);
  Json root = wrapper();
  root["text_config"] = 3;
  EXPECT_THROW(parse_model_config(root, "config.json"), Error);
}

}  // namespace
}  // namespace moebius::internal
