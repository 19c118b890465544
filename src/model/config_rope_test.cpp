// Tests the RoPE keys of config.json: where they may stand, how YaRN is read, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "model/config.h"
#include "model/testing/tiny_families.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::HasSubstr;
using namespace testing;  // the tiny checkpoints

ModelConfig parse(const Json& config) { return parse_model_config(config, "config.json"); }

// A config with rope_scaling beside flat keys, as model cards recommend. Its max_position_embeddings is 256.
Json with_scaling(const Json& scaling) {
  Json config = tiny_qwen3_moe().config;
  config["rope_scaling"] = scaling;
  return config;
}

Json yarn(const Json& more = Json::object()) {
  Json scaling = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 128}};
  scaling.update(more);
  return with_scaling(scaling);
}

Yarn yarn_of(const Json& config) {
  const std::optional<Yarn> read = parse(config).yarn;
  if (!read) throw std::runtime_error("no YaRN in " + config.dump());
  return *read;
}

void expect_refused(const Json& config, ErrorCode code, const std::string& text) {
  try {
    parse(config);
    ADD_FAILURE() << "was accepted: " << config.dump();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(std::string(error.what()) + error.hint(), HasSubstr(text));
  }
}

TEST(ConfigRope, flat_rope_keys_serve_when_there_are_no_rope_parameters) {
  Json root = tiny_config();
  root.erase("rope_parameters");
  root["rope_theta"] = 5e6;
  root["partial_rotary_factor"] = 0.5;
  root["rope_scaling"] = nullptr;
  const ModelConfig config = parse_model_config(root, "config.json");
  EXPECT_EQ(config.rope_theta, 5e6);
  EXPECT_EQ(config.rotary_dim, 8);
}

TEST(ConfigRope, rope_parameters_win_over_flat_keys) {
  Json root = tiny_config();
  root["rope_theta"] = 5e6;
  root["partial_rotary_factor"] = 0.5;
  const ModelConfig config = parse_model_config(root, "config.json");
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.rotary_dim, 4);
}

TEST(ConfigRope, without_an_extension_there_is_none) {
  EXPECT_FALSE(parse(tiny_qwen3_moe().config).yarn);
  EXPECT_FALSE(parse(tiny_config()).yarn);
  EXPECT_FALSE(parse(with_scaling({{"type", "default"}})).yarn);
}

TEST(ConfigRope, yarn_by_rope_scaling_has_the_defaults_of_transformers) {
  const Yarn defaults = yarn_of(yarn());
  EXPECT_EQ(defaults.factor, 4);
  EXPECT_EQ(defaults.original_positions, 128);
  EXPECT_EQ(defaults.beta_fast, 32);
  EXPECT_EQ(defaults.beta_slow, 1);
  EXPECT_TRUE(defaults.truncate);
  EXPECT_DOUBLE_EQ(defaults.attention_factor, 1.138629436111989);
  const ModelConfig config = parse(yarn());
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_EQ(config.rotary_dim, 16);
}

TEST(ConfigRope, yarn_by_rope_parameters_keeps_theta_and_the_part_of_a_head) {
  Json config = tiny_config();
  config["rope_parameters"].update({{"rope_type", "yarn"}, {"factor", 2}, {"original_max_position_embeddings", 256}});
  const ModelConfig read = parse(config);
  EXPECT_EQ(yarn_of(config).factor, 2);
  EXPECT_EQ(read.rope_theta, 10000.0);
  EXPECT_EQ(read.rotary_dim, 4);
}

TEST(ConfigRope, yarn_may_be_called_type_and_set_every_value) {
  Json scaling = {{"type", "yarn"},   {"factor", 8},          {"original_max_position_embeddings", 64},
                  {"beta_fast", 2.5}, {"beta_slow", 0.5},     {"truncate", false},
                  {"mscale", 0.7},    {"mscale_all_dim", 0.3}};
  EXPECT_EQ(yarn_of(with_scaling(scaling)).beta_fast, 2.5);
  EXPECT_EQ(yarn_of(with_scaling(scaling)).beta_slow, 0.5);
  EXPECT_FALSE(yarn_of(with_scaling(scaling)).truncate);
}

TEST(ConfigRope, the_attention_factor_is_given_or_follows_from_the_scales) {
  EXPECT_EQ(yarn_of(yarn({{"attention_factor", 1.25}})).attention_factor, 1.25);
  EXPECT_DOUBLE_EQ(yarn_of(yarn({{"mscale", 0.7}, {"mscale_all_dim", 0.3}})).attention_factor, 1.0532376815143234);
  EXPECT_DOUBLE_EQ(yarn_of(yarn({{"mscale", 0.7}, {"mscale_all_dim", 0.0}})).attention_factor, 1.138629436111989);
  EXPECT_EQ(yarn_of(yarn({{"factor", 1.0}})).attention_factor, 1.0);
}

TEST(ConfigRope, zero_and_nothing_mean_the_default_bounds_of_the_blend) {
  EXPECT_EQ(yarn_of(yarn({{"beta_fast", 0}, {"beta_slow", nullptr}})).beta_fast, 32);
  EXPECT_EQ(yarn_of(yarn({{"beta_fast", 0}, {"beta_slow", nullptr}})).beta_slow, 1);
}

TEST(ConfigRope, the_trained_length_is_that_of_the_text_config_of_the_object_or_of_the_model) {
  Json config = yarn();
  config["original_max_position_embeddings"] = 64;
  EXPECT_EQ(yarn_of(config).original_positions, 64);
  EXPECT_EQ(yarn_of(yarn({{"original_max_position_embeddings", nullptr}})).original_positions, 256);
}

TEST(ConfigRope, without_a_factor_it_is_the_ratio_of_the_lengths) {
  EXPECT_EQ(yarn_of(yarn({{"factor", nullptr}})).factor, 2);
  expect_refused(yarn({{"factor", nullptr}, {"original_max_position_embeddings", nullptr}}), ErrorCode::kBadConfig,
                 "rope_scaling.factor");
}

TEST(ConfigRope, positions_go_as_far_as_yarn_extends_them) {
  EXPECT_EQ(parse(yarn()).max_positions, 512);
  EXPECT_EQ(parse(yarn({{"factor", 1.5}})).max_positions, 256) << "the config says more";
  EXPECT_EQ(parse(yarn({{"original_max_position_embeddings", 1 << 24}})).max_positions, 1 << 24);
}

TEST(ConfigRope, other_extensions_are_refused_with_the_way_out) {
  for (const char* kind : {"linear", "dynamic", "longrope", "llama3", "mrope", ""}) {
    for (const char* key : {"rope_type", "type"}) {
      expect_refused(with_scaling({{key, kind}, {"factor", 4.0}}), ErrorCode::kUnsupported,
                     std::string("rope_scaling.") + key);
      expect_refused(with_scaling({{key, kind}, {"factor", 4.0}}), ErrorCode::kUnsupported,
                     "remove the RoPE extension");
    }
  }
  Json config = tiny_config();
  config["rope_parameters"]["rope_type"] = "linear";
  expect_refused(config, ErrorCode::kUnsupported, "rope_parameters.rope_type");
}

TEST(ConfigRope, two_answers_are_refused) {
  expect_refused(yarn({{"type", "default"}}), ErrorCode::kBadConfig, "rope_scaling.rope_type");
  Json config = tiny_config();
  config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
  expect_refused(config, ErrorCode::kBadConfig, "rope_scaling");
}

TEST(ConfigRope, values_of_yarn_that_cannot_be_are_named) {
  for (const auto& [key, value] : {std::pair<const char*, Json>{"factor", 0.5},
                                   {"factor", "4"},
                                   {"factor", 1e9},
                                   {"original_max_position_embeddings", 0},
                                   {"original_max_position_embeddings", int64_t{1} << 40},
                                   {"beta_fast", -1},
                                   {"beta_fast", 0.5},
                                   {"beta_slow", 33},
                                   {"truncate", 1},
                                   {"attention_factor", 0},
                                   {"mscale", -1},
                                   {"mscale_all_dim", "1"}}) {
    const std::string named = std::string(key) == "beta_slow" ? "beta_fast" : key;
    expect_refused(yarn({{key, value}}), ErrorCode::kBadConfig, named);
  }
}

}  // namespace
}  // namespace moebius::internal
