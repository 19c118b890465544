// One row per wrapper and per trap of the naming rule.
#include <gtest/gtest.h>

#include "checkpoint/model_dir.h"

namespace moebius::internal {
namespace {

struct Row {
  const char* in_file;
  const char* canonical;
};

void expect_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(canonical_name(row.in_file), row.canonical) << row.in_file;
}

TEST(CanonicalName, unwraps_the_hugging_face_vision_wrapper) {
  expect_rows({{"model.language_model.embed_tokens.weight", "model.embed_tokens.weight"},
               {"model.language_model.layers.0.mlp.gate.weight", "model.layers.0.mlp.gate.weight"},
               {"model.language_model.norm.weight", "model.norm.weight"},
               {"lm_head.weight", "lm_head.weight"},
               {"mtp.fc.weight", "mtp.fc.weight"}});
}

TEST(CanonicalName, unwraps_the_mlx_wrapper) {
  expect_rows({{"language_model.model.layers.3.self_attn.q_proj.scales", "model.layers.3.self_attn.q_proj.scales"},
               {"language_model.lm_head.weight", "lm_head.weight"},
               {"language_model.mtp.layers.0.input_layernorm.weight", "mtp.layers.0.input_layernorm.weight"}});
}

TEST(CanonicalName, moves_the_mtp_head_to_the_top) { expect_rows({{"model.mtp.norm.weight", "mtp.norm.weight"}}); }

TEST(CanonicalName, keeps_text_only_exports) {
  expect_rows({{"model.layers.0.linear_attn.A_log", "model.layers.0.linear_attn.A_log"},
               {"model.norm.weight", "model.norm.weight"}});
}

TEST(CanonicalName, completes_exports_of_the_bare_decoder) {
  expect_rows({{"layers.0.mlp.gate.weight", "model.layers.0.mlp.gate.weight"},
               {"embed_tokens.weight", "model.embed_tokens.weight"},
               {"norm.weight", "model.norm.weight"}});
}

TEST(CanonicalName, drops_vision_tensors) {
  expect_rows({{"model.visual.blocks.0.attn.qkv.weight", ""},
               {"visual.patch_embed.proj.weight", ""},
               {"vision_tower.blocks.0.norm1.weight", ""},
               {"model.vision_tower.merger.norm.weight", ""}});
}

TEST(CanonicalName, drops_only_whole_path_components) {
  expect_rows({{"visualizer.weight", "visualizer.weight"}, {"model.visuals.weight", "model.visuals.weight"}});
}

TEST(CanonicalName, treats_module_paths_as_tensors) {
  expect_rows({{"language_model.lm_head", "lm_head"},
               {"language_model.model.embed_tokens", "model.embed_tokens"},
               {"language_model.model.layers.0.mlp.switch_mlp.down_proj", "model.layers.0.mlp.switch_mlp.down_proj"},
               {"language_model.model_parallel", "language_model.model_parallel"}});
}

TEST(CanonicalName, leaves_unknown_names_alone_for_the_loader_to_refuse) {
  expect_rows({{"", ""}, {"rotary.inv_freq", "rotary.inv_freq"}});
}

}  // namespace
}  // namespace moebius::internal
