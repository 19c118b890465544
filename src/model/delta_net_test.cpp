// Tests the input projections of linear layers: a backend gets the same rows from projections that are interleaved by
// key heads and from flat ones.
#include "model/delta_net.h"

#include <gtest/gtest.h>

#include "model/testing/loading.h"

namespace moebius::internal {
namespace {

using namespace testing;  // the tiny checkpoint

const std::string kFirst = "model.layers.0.linear_attn", kSecond = "model.layers.2.linear_attn";

TinyTensors interleaved(TinyTensors tensors) {
  interleave_projections(tensors, kFirst);
  interleave_projections(tensors, kSecond);
  return tensors;
}

TEST(DeltaNet, interleaved_projections_arrive_as_the_flat_ones) {
  const TinyTensors tensors = interleaved(tiny_tensors());
  EXPECT_EQ(tensors.at(kFirst + ".in_proj_qkvz.weight").shape, (std::vector<int64_t>{160, 64}));
  EXPECT_EQ(tensors.at(kFirst + ".in_proj_ba.weight").shape, (std::vector<int64_t>{8, 64}));
  const auto flat = load(tiny_tensors()), taken_apart = load(tensors);
  EXPECT_EQ(taken_apart->backend.matrices, flat->backend.matrices);
  EXPECT_EQ(taken_apart->backend.activations, flat->backend.activations);
}

TEST(DeltaNet, quantized_projections_are_taken_apart_with_their_scales_and_biases) {
  TinyTensors tensors = tiny_tensors();
  for (const char* module : {".in_proj_qkv", ".in_proj_z", ".in_proj_b", ".in_proj_a"}) {
    quantize_module(tensors, kFirst + module, {4, 32, DType::kBF16});
    quantize_module(tensors, kSecond + module, {4, 32, DType::kBF16});
  }
  Json config = tiny_config();
  config["quantization"] = Json{{"group_size", 32}, {"bits", 4}};
  const auto flat = load(tensors, config), taken_apart = load(interleaved(tensors), config);
  EXPECT_EQ(taken_apart->backend.matrices, flat->backend.matrices);
  EXPECT_TRUE(flat->backend.matrices.at(kFirst + ".in_proj_a").format.is_quantized());
}

TEST(DeltaNet, each_layer_may_have_its_own_form) {
  TinyTensors mixed = tiny_tensors();
  interleave_projections(mixed, kSecond);
  EXPECT_EQ(load(mixed)->backend.matrices, load(tiny_tensors())->backend.matrices);
}

TEST(DeltaNet, half_of_an_interleaved_layer_is_missed_by_name) {
  for (const char* module : {".in_proj_qkvz", ".in_proj_ba"}) {
    TinyTensors tensors = interleaved(tiny_tensors());
    tensors.erase(kSecond + module + ".weight");
    expect_refused(tensors, tiny_config(), ErrorCode::kMissingTensor, {kSecond + module + ".weight"});
  }
}

TEST(DeltaNet, both_forms_in_one_layer_are_refused) {
  TinyTensors tensors = interleaved(tiny_tensors());
  tensors[kFirst + ".in_proj_z.weight"] = tiny_tensors().at(kFirst + ".in_proj_z.weight");
  expect_refused(tensors, tiny_config(), ErrorCode::kUnknownTensor, {kFirst + ".in_proj_z.weight"});
}

TEST(DeltaNet, a_wrong_height_is_named_with_both_shapes) {
  TinyTensors tensors = interleaved(tiny_tensors());
  const std::string name = kFirst + ".in_proj_qkvz.weight";
  tensors.at(name) = made_up(name, {128, 64}, DType::kBF16, 0.1f);
  expect_refused(tensors, tiny_config(), ErrorCode::kBadTensor, {name, "[160, 64]", "[128, 64]"});
}

}  // namespace
}  // namespace moebius::internal
