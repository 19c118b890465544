// Tests what a quantization block says about a module. tests/bad_inputs holds the blocks that are refused.
#include "checkpoint/quantization.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

QuantizationConfig parse(std::string_view json) {
  return QuantizationConfig::parse(parse_json(json, "config.json"), "config.json");
}

std::string shown(const std::optional<QuantizationParams>& params) {
  if (!params) return "not quantized";
  const std::string mode = params->mode == QuantMode::kAffine ? "" : std::string(name(params->mode)) + ", ";
  return mode + std::to_string(params->bits) + " bits, group " + std::to_string(params->group);
}

// One block that uses every rule of overrides. The global parameters are 3 bits, group 32.
constexpr std::string_view kBlock = R"({"quantization": {
  "group_size": 32, "bits": 3, "mode": "affine",
  "language_model.model.layers.0.mlp.gate": {"group_size": 64, "bits": 8},
  "model.layers.1.mlp.gate": {},
  "model.layers.2.mlp.gate": {"bits": 6},
  "model.layers.3.mlp.gate": true,
  "model.layers.4.mlp.gate": false,
  "language_model.lm_head": false,
  "vision_tower.blocks.0": {"bits": 99},
  "quantize_activations": false,
  "remark": "made by hand",
  "model.norm": null}})";

struct Row {
  const char* name;
  const char* module;
  Scales scales;
  const char* expected;
};

const Row kRows[] = {
    {"an_override_object_applies", "model.layers.0.mlp.gate", Scales::kPresent, "8 bits, group 64"},
    {"an_empty_override_is_affine_4_64_and_does_not_inherit", "model.layers.1.mlp.gate", Scales::kPresent,
     "4 bits, group 64"},
    {"an_override_without_group_takes_64", "model.layers.2.mlp.gate", Scales::kPresent, "6 bits, group 64"},
    {"true_means_the_global_parameters", "model.layers.3.mlp.gate", Scales::kPresent, "3 bits, group 32"},
    {"false_means_not_quantized", "model.layers.4.mlp.gate", Scales::kAbsent, "not quantized"},
    {"the_head_is_found_under_its_canonical_name", "lm_head", Scales::kAbsent, "not quantized"},
    {"scales_without_an_entry_mean_the_global_parameters", "model.embed_tokens", Scales::kPresent, "3 bits, group 32"},
    {"neither_scales_nor_entry_means_not_quantized", "model.layers.0.linear_attn.conv1d", Scales::kAbsent,
     "not quantized"},
    {"a_null_entry_is_no_entry", "model.norm", Scales::kAbsent, "not quantized"},
};

class Lookup : public ::testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Quantization, Lookup, ::testing::ValuesIn(kRows),
                         [](const auto& instance) { return instance.param.name; });
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

TEST_P(Lookup, follows_the_rules) {
  EXPECT_EQ(shown(parse(kBlock).lookup(GetParam().module, GetParam().scales)), GetParam().expected);
}

// An mxfp4 conversion of mlx-lm: routers are affine because their entries name no mode.
constexpr std::string_view kMxfp4Block = R"({"quantization": {
  "group_size": 32, "bits": 4, "mode": "mxfp4",
  "model.layers.0.mlp.gate": {"group_size": 64, "bits": 8},
  "model.layers.1.mlp.gate": {},
  "model.layers.2.mlp.gate": true,
  "model.layers.3.mlp.gate": {"mode": "mxfp4"}}})";

TEST(Quantization, reads_the_mode_of_the_global_block) {
  EXPECT_EQ(shown(parse(kMxfp4Block).lookup("model.embed_tokens", Scales::kPresent)), "mxfp4, 4 bits, group 32");
}

TEST(Quantization, lets_no_override_inherit_the_mode) {
  const auto config = parse(kMxfp4Block);
  EXPECT_EQ(shown(config.lookup("model.layers.0.mlp.gate", Scales::kPresent)), "8 bits, group 64");
  EXPECT_EQ(shown(config.lookup("model.layers.1.mlp.gate", Scales::kPresent)), "4 bits, group 64");
  EXPECT_EQ(shown(config.lookup("model.layers.2.mlp.gate", Scales::kPresent)), "mxfp4, 4 bits, group 32");
}

TEST(Quantization, takes_bits_and_group_from_the_mode_that_an_override_names) {
  EXPECT_EQ(shown(parse(kMxfp4Block).lookup("model.layers.3.mlp.gate", Scales::kPresent)), "mxfp4, 4 bits, group 32");
  EXPECT_EQ(shown(parse(R"({"quantization": {"bits": 3, "group_size": 64, "lm_head": {"mode": "mxfp4"}}})")
                      .lookup("lm_head", Scales::kPresent)),
            "mxfp4, 4 bits, group 32");
}

TEST(Quantization, is_absent_without_a_block) {
  for (const char* json : {"{}", R"({"quantization": null})", R"({"text_config": {"hidden_size": 1}})"}) {
    EXPECT_FALSE(parse(json).any()) << json;
  }
}

TEST(Quantization, reads_quantization_config_without_a_method_as_the_same_block) {
  EXPECT_EQ(shown(parse(R"({"quantization_config": {"bits": 5, "group_size": 128}})").lookup("m", Scales::kPresent)),
            "5 bits, group 128");
}

TEST(Quantization, reads_the_block_of_text_config) {
  EXPECT_EQ(
      shown(parse(R"({"text_config": {"quantization": {"bits": 2, "group_size": 64}}})").lookup("m", Scales::kPresent)),
      "2 bits, group 64");
}

TEST(Quantization, prefers_the_block_that_mlx_acts_on) {
  const auto config = parse(R"({"quantization_config": {"quant_method": "fp8"},
                                "quantization": {"bits": 8, "group_size": 32}})");
  EXPECT_EQ(shown(config.lookup("m", Scales::kPresent)), "8 bits, group 32");
}

TEST(Quantization, accepts_every_width_and_group_of_affine) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      const Json root = {{"quantization", {{"bits", bits}, {"group_size", group}}}};
      const auto params = QuantizationConfig::parse(root, "config.json").lookup("m", Scales::kPresent);
      EXPECT_EQ(shown(params), std::to_string(bits) + " bits, group " + std::to_string(group));
    }
  }
}

TEST(Quantization, refuses_scales_that_config_denies) {
  testing::expect_error(ErrorCode::kBadConfig, "quantization.model.layers.4.mlp.gate: has scales",
                        [] { (void)parse(kBlock).lookup("model.layers.4.mlp.gate", Scales::kPresent); });
  testing::expect_error(ErrorCode::kBadConfig, "has scales",
                        [] { (void)parse("{}").lookup("lm_head", Scales::kPresent); });
}

TEST(Quantization, refuses_absent_scales_that_config_promises) {
  testing::expect_error(ErrorCode::kBadConfig, "has no scales",
                        [] { (void)parse(kBlock).lookup("model.layers.0.mlp.gate", Scales::kAbsent); });
}

}  // namespace
}  // namespace moebius::internal
