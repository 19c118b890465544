// Tests the loading of MLPs: a backend gets a dense MLP as a table of one expert, and a layer is refused when the
// config and the tensors disagree about its kind. weights_test.cpp tests the forms of routed experts.
#include "model/mlp.h"

#include <gtest/gtest.h>

#include "model/testing/loading.h"
#include "model/testing/tiny_families.h"

namespace moebius::internal {
namespace {

using namespace testing;  // the tiny checkpoints

const QuantFormat kFourBits{4, 32, DType::kBF16};

std::string mlp(int layer) { return layer_path(layer) + ".mlp"; }

// A model whose layer 1 is dense. The other layers have experts.
TinyFamily mixed() {
  TinyFamily tiny = tiny_qwen3_moe();
  tiny.config["mlp_only_layers"] = {1};
  make_dense(tiny.tensors, mlp(1));
  return tiny;
}

TEST(Mlp, a_dense_one_is_a_table_of_one_expert_with_the_rows_of_the_file) {
  const TinyFamily tiny = tiny_qwen3_5();
  const auto loaded = load(tiny.tensors, tiny.config);
  ASSERT_EQ(loaded->backend.experts_tables.size(), 4u);
  const RecordedExperts& table = loaded->backend.experts_tables.at(mlp(2));
  EXPECT_EQ(table.gate.rows, 96);
  EXPECT_EQ(table.gate.cols, 64);
  EXPECT_EQ(table.gate.weights, tiny.tensors.at(mlp(2) + ".gate_proj.weight").bytes);
  EXPECT_EQ(table.up.weights, tiny.tensors.at(mlp(2) + ".up_proj.weight").bytes);
  EXPECT_EQ(table.down.rows, 64);
  EXPECT_EQ(table.down.weights, tiny.tensors.at(mlp(2) + ".down_proj.weight").bytes);
  EXPECT_EQ(table.shared_gate.rows, 0);
}

TEST(Mlp, dense_layers_may_stand_among_layers_with_experts) {
  const TinyFamily tiny = mixed();
  const auto loaded = load(tiny.tensors, tiny.config);
  EXPECT_TRUE(loaded->backend.matrices.contains(mlp(0) + ".gate"));
  EXPECT_FALSE(loaded->backend.matrices.contains(mlp(1) + ".gate"));
  EXPECT_EQ(loaded->backend.experts_tables.at(mlp(0) + ".experts").gate.rows, 6 * 32);
  EXPECT_EQ(loaded->backend.experts_tables.at(mlp(1)).gate.rows, 96);
}

TEST(Mlp, a_dense_one_may_be_quantized_down_apart_from_gate_and_up) {
  TinyFamily tiny = tiny_qwen3_5();
  tiny.config["quantization"] = Json{{"group_size", 32}, {"bits", 4}};
  tiny.config["quantization"][mlp(0) + ".down_proj"] = Json{{"group_size", 32}, {"bits", 6}};
  for (const char* projection : {".gate_proj", ".up_proj"})
    quantize_module(tiny.tensors, mlp(0) + projection, kFourBits);
  quantize_module(tiny.tensors, mlp(0) + ".down_proj", {6, 32, DType::kBF16});
  const auto loaded = load(tiny.tensors, tiny.config);
  const RecordedExperts& table = loaded->backend.experts_tables.at(mlp(0));
  EXPECT_EQ(table.up.format.quant, kFourBits);
  EXPECT_EQ(table.up.scales, tiny.tensors.at(mlp(0) + ".up_proj.scales").bytes);
  EXPECT_EQ(table.down.format.quant, (QuantFormat{6, 32, DType::kBF16}));
}

TEST(Mlp, gate_and_up_of_different_formats_are_refused_in_a_dense_one_too) {
  TinyFamily tiny = tiny_qwen3_5();
  tiny.config["quantization"] = Json{{"group_size", 32}, {"bits", 4}};
  quantize_module(tiny.tensors, mlp(3) + ".up_proj", kFourBits);
  expect_refused(tiny.tensors, tiny.config, ErrorCode::kUnsupported, {mlp(3), "BF16", "4 bits"});
}

TEST(Mlp, a_layer_of_another_kind_than_the_config_says_is_named_with_the_keys_that_decide) {
  TinyFamily tiny = mixed();
  tiny.config["mlp_only_layers"] = Json::array();
  expect_refused(tiny.tensors, tiny.config, ErrorCode::kBadTensor,
                 {mlp(1) + ".gate_proj.weight", "mlp_only_layers", "decoder_sparse_step"});
  tiny.config["mlp_only_layers"] = {1, 2};
  expect_refused(tiny.tensors, tiny.config, ErrorCode::kBadTensor,
                 {mlp(2) + ".gate.weight", "mlp_only_layers", "decoder_sparse_step"});
}

TEST(Mlp, experts_under_the_name_of_a_dense_family_are_refused) {
  Json config = tiny_qwen3_5().config;
  expect_refused(tiny_tensors(), config, ErrorCode::kBadTensor, {mlp(0) + ".gate.weight", "model_type"});
}

TEST(Mlp, both_kinds_in_one_layer_are_refused) {
  TinyFamily tiny = mixed();
  const std::string router = mlp(1) + ".gate.weight";
  tiny.tensors[router] = made_up(router, {6, 64}, DType::kBF16, 0.5f);
  expect_refused(tiny.tensors, tiny.config, ErrorCode::kUnknownTensor, {router});
}

}  // namespace
}  // namespace moebius::internal
