// Tests the published shapes: parameter counts, and a config.json that reads back as the facts it was made from.
#include "convert/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/config_json.h"
#include "convert/layout.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Counted : uint8_t { kAll, kRoutedExperts };

int64_t parameters(const ModelConfig& config, Counted counted) {
  int64_t sum = 0;
  for (const ModelTensor& tensor : model_tensors(config, published_form(config).delta_net)) {
    if (counted == Counted::kAll || tensor.experts > 0) sum += tensor.all_rows() * tensor.cols;
  }
  return sum;
}

TEST(Presets, parameter_counts_are_the_published_ones) {
  struct Case {
    const char* preset;
    double total, routed;  // billions
  };
  for (const Case& c : {Case{"qwen3.5-35b-a3b", 34.7, 32.2},
                        {"qwen3.5-122b-a10b", 122.1, 116.0},
                        {"qwen3.5-397b-a17b", 396.3, 386.5},
                        {"qwen3.5-27b", 26.9, 0},
                        {"qwen3-next-80b-a3b", 79.7, 77.3},
                        {"qwen3-30b-a3b", 30.5, 29.0}}) {
    const ModelConfig config = preset_config(c.preset);
    EXPECT_NEAR(static_cast<double>(parameters(config, Counted::kAll)) / 1e9, c.total, 0.05) << c.preset;
    EXPECT_NEAR(static_cast<double>(parameters(config, Counted::kRoutedExperts)) / 1e9, c.routed, 0.06) << c.preset;
  }
}

TEST(Presets, config_json_reads_back_as_the_same_facts) {
  for (const std::string& preset : preset_names()) {
    const ModelConfig made = preset_config(preset);
    const ModelConfig read = parse_model_config(config_json(made), "config.json");
    const auto facts = [](const ModelConfig& c) {
      return std::tuple(c.model_type, c.layers, c.dim, c.vocab, c.eps, c.tied_embeddings, c.max_positions,
                        c.layer_kinds, c.heads, c.kv_heads, c.head_dim, c.rotary_dim, c.rope_theta, c.attention_gate,
                        c.key_heads, c.value_heads, c.key_head_dim, c.value_head_dim, c.conv_kernel,
                        c.sigmoid_output_gate, c.experts, c.top_k, c.expert_width, c.shared_width, c.renormalize,
                        c.mlp_kinds, c.dense_width, c.norms);
    };
    EXPECT_EQ(facts(read), facts(made)) << preset;
  }
}

TEST(Presets, every_fourth_layer_is_full_attention) {
  ModelConfig config = preset_config("tiny");
  set_layers(config, 9);
  std::vector<int64_t> full;
  for (int64_t i = 0; i < config.layers; ++i) {
    if (config.layer_kinds[i] == LayerKind::kFullAttention) full.push_back(i);
  }
  EXPECT_THAT(full, ElementsAre(3, 7));
}

TEST(Presets, every_layer_of_a_model_without_linear_ones_is_full_attention) {
  ModelConfig config = preset_config("tiny-qwen3-moe");
  set_layers(config, 5);
  EXPECT_EQ(config.count(LayerKind::kFullAttention), 5);
  EXPECT_EQ(config.count(MlpKind::kMoe), 5);
}

TEST(Presets, config_json_is_spelled_as_the_family_is_published) {
  const Json next = config_json(preset_config("qwen3-next-80b-a3b"));
  EXPECT_EQ(next["architectures"], Json{"Qwen3NextForCausalLM"});
  EXPECT_EQ(next["intermediate_size"], 5120);
  EXPECT_EQ(next["partial_rotary_factor"], 0.25);
  EXPECT_TRUE(next["rope_scaling"].is_null());
  EXPECT_FALSE(next.contains("text_config") || next.contains("rope_parameters") || next.contains("attn_output_gate"));
  const Json moe = config_json(preset_config("qwen3-30b-a3b"));
  EXPECT_EQ(moe["architectures"], Json{"Qwen3MoeForCausalLM"});
  EXPECT_EQ(moe["norm_topk_prob"], true);
  EXPECT_EQ(moe["rope_theta"], 1e6);
  EXPECT_FALSE(moe.contains("shared_expert_intermediate_size") || moe.contains("linear_num_key_heads"));
  const Json dense = config_json(preset_config("qwen3.5-27b"));
  EXPECT_EQ(dense["architectures"], Json{"Qwen3_5ForConditionalGeneration"});
  EXPECT_EQ(dense["text_config"]["model_type"], "qwen3_5_text");
  EXPECT_EQ(dense["text_config"]["intermediate_size"], 17408);
  EXPECT_FALSE(dense["text_config"].contains("num_experts"));
}

TEST(Presets, mrope_sections_cover_the_rotary_frequencies) {
  const auto section = [](const char* preset) {
    return config_json(preset_config(preset))["text_config"]["rope_parameters"]["mrope_section"];
  };
  EXPECT_EQ(section("qwen3.5-35b-a3b"), (Json{11, 11, 10}));
  EXPECT_EQ(section("tiny"), (Json{3, 3, 2}));
}

TEST(Presets, an_unknown_name_gets_the_list) {
  try {
    preset_config("qwen3-235b-a22b");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    for (const std::string& name : preset_names()) EXPECT_THAT(error.hint(), HasSubstr(name));
  }
}

}  // namespace
}  // namespace moebius::internal
