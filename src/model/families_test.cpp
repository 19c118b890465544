// Tests how each family reads config.json. config_test.cpp tests what all families share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "model/config.h"
#include "model/testing/tiny_families.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;  // the tiny checkpoints

constexpr MlpKind kDense = MlpKind::kDense, kMoe = MlpKind::kMoe;

ModelConfig parse(const Json& config) { return parse_model_config(config, "config.json"); }

void expect_refused(const Json& config, ErrorCode code, const std::string& field) {
  try {
    parse(config);
    ADD_FAILURE() << field << " was accepted: " << config.dump();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(field));
  }
}

TEST(Families, each_is_known_by_its_model_type) {
  for (const TinyFamily& family : tiny_families()) EXPECT_EQ(parse(family.config).model_type, family.name);
}

TEST(Families, wrappers_have_the_text_config_of_their_own_family) {
  Json text = tiny_qwen3_5().config;
  Json wrapper = {{"model_type", "qwen3_5"}, {"text_config", text}};
  EXPECT_EQ(parse(wrapper).model_type, "qwen3_5");
  wrapper["model_type"] = "qwen3_5_moe";
  expect_refused(wrapper, ErrorCode::kBadConfig, "text_config.model_type");
}

TEST(Families, qwen35_is_dense_and_otherwise_like_its_moe) {
  const ModelConfig config = parse(tiny_qwen3_5().config);
  EXPECT_THAT(config.mlp_kinds, Each(kDense));
  EXPECT_EQ(config.mlp_kinds.size(), 4u);
  EXPECT_EQ(config.dense_width, 96);
  EXPECT_EQ(config.experts, 0);
  EXPECT_EQ(config.router_shape().slots(), 0);
  EXPECT_TRUE(config.attention_gate);
  EXPECT_EQ(config.rotary_dim, 4);
  EXPECT_EQ(config.norms, NormForm::kZeroCentred);
  EXPECT_EQ(config.layer_kinds, parse(tiny_config()).layer_kinds);
}

TEST(Families, qwen3_next_has_a_gate_that_no_key_names_and_flat_rope_keys) {
  const ModelConfig config = parse(tiny_qwen3_next().config);
  EXPECT_TRUE(config.attention_gate);
  EXPECT_EQ(config.rotary_dim, 4);
  EXPECT_EQ(config.rope_theta, 1e7);
  EXPECT_EQ(config.delta_shape().conv_dim(), 96);
  EXPECT_EQ(config.shared_width, 64);
  EXPECT_EQ(config.router_shape().slots(), 3);
  EXPECT_EQ(config.norms, NormForm::kZeroCentred);
}

TEST(Families, qwen3_moe_has_full_attention_alone_without_gate_or_shared_expert) {
  const ModelConfig config = parse(tiny_qwen3_moe().config);
  EXPECT_THAT(config.layer_kinds, Each(LayerKind::kFullAttention));
  EXPECT_EQ(config.layer_kinds.size(), 4u);
  EXPECT_FALSE(config.attention_gate);
  EXPECT_EQ(config.rotary_dim, 16);
  EXPECT_EQ(config.shared_width, 0);
  EXPECT_EQ(config.router_shape().slots(), 2);
  EXPECT_EQ(config.delta_shape().conv_dim(), 0);
  EXPECT_EQ(config.norms, NormForm::kPlain);
}

TEST(Families, absent_head_dim_is_that_of_transformers) {
  struct Case {
    TinyFamily family;
    int64_t head_dim;  // for hidden_size 64 and 4 heads
  };
  for (Case& c : std::vector<Case>{
           {tiny_qwen3_5_moe(), 256}, {tiny_qwen3_5(), 256}, {tiny_qwen3_next(), 256}, {tiny_qwen3_moe(), 16}}) {
    c.family.config.erase("head_dim");
    EXPECT_EQ(parse(c.family.config).head_dim, c.head_dim) << c.family.name;
  }
}

TEST(Families, renormalization_has_a_default_of_its_own_in_each_family) {
  struct Case {
    TinyFamily family;
    std::optional<bool> value;
    bool expected;
  };
  for (Case& c : std::vector<Case>{{tiny_qwen3_moe(), std::nullopt, false},
                                   {tiny_qwen3_moe(), false, false},
                                   {tiny_qwen3_moe(), true, true},
                                   {tiny_qwen3_next(), std::nullopt, true},
                                   {tiny_qwen3_next(), false, false},
                                   {tiny_qwen3_next(), true, true},
                                   {tiny_qwen3_5_moe(), std::nullopt, true},
                                   {tiny_qwen3_5_moe(), false, true}}) {
    c.family.config.erase("norm_topk_prob");
    if (c.value) c.family.config["norm_topk_prob"] = *c.value;
    EXPECT_EQ(parse(c.family.config).renormalize, c.expected) << c.family.config.dump();
  }
}

TEST(Families, sparse_step_and_dense_layers_decide_where_experts_are) {
  for (TinyFamily& family : std::vector{tiny_qwen3_moe(), tiny_qwen3_next()}) {
    family.config["decoder_sparse_step"] = 2;
    EXPECT_THAT(parse(family.config).mlp_kinds, ElementsAre(kDense, kMoe, kDense, kMoe));
    family.config["mlp_only_layers"] = {3};
    EXPECT_THAT(parse(family.config).mlp_kinds, ElementsAre(kDense, kMoe, kDense, kDense));
    family.config.erase("decoder_sparse_step");
    EXPECT_THAT(parse(family.config).mlp_kinds, ElementsAre(kMoe, kMoe, kMoe, kDense));
    EXPECT_EQ(parse(family.config).dense_width, 96);
    family.config.erase("mlp_only_layers");
    EXPECT_THAT(parse(family.config).mlp_kinds, Each(kMoe));
    EXPECT_EQ(parse(family.config).dense_width, 0) << "intermediate_size is published and unused";
  }
}

TEST(Families, every_layer_of_qwen35_moe_has_experts_whatever_these_keys_say) {
  Json config = tiny_config();
  config["decoder_sparse_step"] = 2;
  config["mlp_only_layers"] = {0};
  EXPECT_THAT(parse(config).mlp_kinds, Each(kMoe));
}

TEST(Families, a_model_of_dense_layers_alone_needs_no_expert_keys) {
  Json config = tiny_qwen3_moe().config;
  config["mlp_only_layers"] = {0, 1, 2, 3};
  for (const char* key : {"num_experts", "num_experts_per_tok", "moe_intermediate_size"}) config.erase(key);
  EXPECT_EQ(parse(config).experts, 0);
}

TEST(Families, where_experts_are_is_checked_layer_by_layer) {
  for (const Json& value : {Json{4}, Json{-1}, Json{1.5}, Json{"0"}, Json{true}, Json(0)}) {
    Json config = tiny_qwen3_moe().config;
    config["mlp_only_layers"] = value;
    expect_refused(config, ErrorCode::kBadConfig, "mlp_only_layers");
  }
  for (const Json& value : {Json(0), Json(-1), Json("1")}) {
    Json config = tiny_qwen3_next().config;
    config["decoder_sparse_step"] = value;
    expect_refused(config, ErrorCode::kBadConfig, "decoder_sparse_step");
  }
}

TEST(Families, dense_layers_need_their_width) {
  Json config = tiny_qwen3_5().config;
  config.erase("intermediate_size");
  expect_refused(config, ErrorCode::kBadConfig, "intermediate_size");
  config = tiny_qwen3_moe().config;
  config["mlp_only_layers"] = {1};
  config.erase("intermediate_size");
  expect_refused(config, ErrorCode::kBadConfig, "intermediate_size");
}

TEST(Families, qwen3_moe_may_list_its_layer_types_but_has_no_linear_ones) {
  Json config = tiny_qwen3_moe().config;
  config["layer_types"] = Json(4, "full_attention");
  EXPECT_EQ(parse(config).count(LayerKind::kFullAttention), 4);
  config["layer_types"][2] = "linear_attention";
  expect_refused(config, ErrorCode::kBadConfig, "layer_types");
  config["layer_types"][2] = "sliding_attention";
  expect_refused(config, ErrorCode::kUnsupported, "layer_types[2]");
}

TEST(Families, all_refuse_what_would_change_the_maths) {
  for (const TinyFamily& family : tiny_families()) {
    for (const auto& [key, value] :
         {std::pair<const char*, Json>{"attention_bias", true}, {"use_sliding_window", true}, {"hidden_act", "gelu"}}) {
      Json config = family.config;
      config[key] = value;
      expect_refused(config, ErrorCode::kUnsupported, key);
    }
  }
}

TEST(Families, tied_embeddings_are_read_in_every_family) {
  for (TinyFamily& family : tiny_families()) {
    family.config.erase("tie_word_embeddings");
    EXPECT_FALSE(parse(family.config).tied_embeddings) << family.name;
    family.config["tie_word_embeddings"] = true;
    EXPECT_TRUE(parse(family.config).tied_embeddings) << family.name;
  }
}

}  // namespace
}  // namespace moebius::internal
