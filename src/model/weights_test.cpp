// Tests what a backend is given from the files of a checkpoint: expert forms, norm conventions, quantization. Tests
// every way in which a checkpoint can disagree with its config. A recording backend keeps the uploaded bytes.
#include "model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/testing/loading.h"
#include "model/testing/tiny_families.h"

namespace moebius::internal {
namespace {

using namespace testing;  // the tiny checkpoint

constexpr int kLayers = 4;
const QuantFormat kFourBits{4, 32, DType::kBF16};

std::string mlp(int layer) { return "model.layers." + std::to_string(layer) + ".mlp"; }

void reshape(TinyTensors& tensors, const std::string& name, std::vector<int64_t> shape) {
  tensors.at(name) = made_up(name, std::move(shape), tensors.at(name).dtype, 0.1f);
}

TinyTensors with_single_experts() {
  TinyTensors tensors = tiny_tensors();
  for (int i = 0; i < kLayers; ++i) split_experts(tensors, mlp(i));
  return tensors;
}

TinyTensors with_stacked_experts() {
  TinyTensors tensors = with_single_experts();
  for (int i = 0; i < kLayers; ++i) stack_experts(tensors, mlp(i));
  return tensors;
}

// Every projection of every expert is in affine codes, as MLX writes them.
TinyTensors with_quantized_experts() {
  TinyTensors tensors = with_single_experts();
  for (int i = 0; i < kLayers; ++i) {
    for (int e = 0; e < 6; ++e) {
      for (const char* projection : {".gate_proj", ".up_proj", ".down_proj"}) {
        quantize_module(tensors, mlp(i) + ".experts." + std::to_string(e) + projection, kFourBits);
      }
    }
  }
  return tensors;
}

Json quantized_config(int bits = 4, int group = 32) {
  Json config = tiny_config();
  config["quantization"] = Json{{"group_size", group}, {"bits", bits}};
  return config;
}

Json mxfp4_config() {
  Json config = quantized_config();
  config["quantization"]["mode"] = "mxfp4";
  return config;
}

// ---- what arrives

TEST(Weights, a_matrix_arrives_as_it_stands) {
  const TinyTensors tensors = tiny_tensors();
  const auto loaded = load(tensors);
  const RecordedRows& q = loaded->backend.matrices.at("model.layers.1.self_attn.q_proj");
  EXPECT_EQ(q.rows, 128);
  EXPECT_EQ(q.cols, 64);
  EXPECT_EQ(q.format, (WeightFormat{DType::kBF16, {}}));
  EXPECT_EQ(q.weights, tensors.at("model.layers.1.self_attn.q_proj.weight").bytes);
}

TEST(Weights, only_routers_and_gates_take_f32_activations) {
  const auto loaded = load(tiny_tensors());
  for (const auto& [name, kind] : loaded->backend.activations) {
    const bool gate = name.ends_with(".mlp.gate") || name.ends_with(".shared_expert_gate") ||
                      name.ends_with(".in_proj_a") || name.ends_with(".in_proj_b");
    EXPECT_EQ(kind == ActivationKind::kF32, gate) << name;
  }
}

TEST(Weights, dense_expert_forms_give_the_same_bytes) {
  const auto fused = load(tiny_tensors());
  const auto single = load(with_single_experts());
  const auto stacked = load(with_stacked_experts());
  ASSERT_EQ(fused->backend.experts_tables.size(), 4u);
  EXPECT_EQ(single->backend.experts_tables, fused->backend.experts_tables);
  EXPECT_EQ(stacked->backend.experts_tables, fused->backend.experts_tables);
}

TEST(Weights, fused_experts_are_gate_rows_then_up_rows) {
  const TinyTensors tensors = tiny_tensors();
  const auto loaded = load(tensors);
  const TinyTensor& gate_up = tensors.at(mlp(2) + ".experts.gate_up_proj");
  const RecordedExperts& table = loaded->backend.experts_tables.at(mlp(2) + ".experts");
  const size_t row_bytes = 64 * 2;
  for (int64_t e = 0; e < 6; ++e) {
    const auto first = table.gate.weights.begin() + e * 32 * static_cast<int64_t>(row_bytes);
    EXPECT_EQ(rows_of(gate_up, e, 0, 32).bytes, std::vector(first, first + 32 * row_bytes)) << e;
  }
}

TEST(Weights, quantized_expert_forms_give_the_same_bytes) {
  TinyTensors tensors = with_quantized_experts();
  const auto single = load(tensors, quantized_config());
  for (int i = 0; i < kLayers; ++i) stack_experts(tensors, mlp(i));
  const auto stacked = load(tensors, quantized_config());
  EXPECT_EQ(single->backend.experts_tables, stacked->backend.experts_tables);
  const RecordedExperts& table = stacked->backend.experts_tables.at(mlp(0) + ".experts");
  EXPECT_EQ(table.gate.format, (WeightFormat{DType::kU32, kFourBits}));
  EXPECT_EQ(table.up.biases, tensors.at(mlp(0) + ".switch_mlp.up_proj.biases").bytes);
  EXPECT_EQ(table.down.scales, tensors.at(mlp(0) + ".switch_mlp.down_proj.scales").bytes);
  EXPECT_EQ(table.shared_gate.format, (WeightFormat{DType::kBF16, {}})) << "the shared expert has its own format";
}

TEST(Weights, layers_of_one_file_may_have_different_expert_forms) {
  TinyTensors mixed = tiny_tensors();
  split_experts(mixed, mlp(1));
  split_experts(mixed, mlp(2));
  stack_experts(mixed, mlp(2));
  EXPECT_EQ(load(mixed)->backend.experts_tables, load(tiny_tensors())->backend.experts_tables);
}

TEST(Weights, down_may_have_other_bits_than_gate_and_up) {
  TinyTensors tensors = with_stacked_experts();
  Json config = quantized_config();
  for (int i = 0; i < kLayers; ++i) {
    quantize_module(tensors, mlp(i) + ".switch_mlp.gate_proj", kFourBits);
    quantize_module(tensors, mlp(i) + ".switch_mlp.up_proj", kFourBits);
    quantize_module(tensors, mlp(i) + ".switch_mlp.down_proj", {6, 32, DType::kF16});
    config["quantization"][mlp(i) + ".switch_mlp.down_proj"] = Json{{"group_size", 32}, {"bits", 6}};
  }
  const auto loaded = load(tensors, config);
  EXPECT_EQ(loaded->backend.experts_tables.at(mlp(3) + ".experts").down.format.quant,
            (QuantFormat{6, 32, DType::kF16}));
}

TEST(Weights, each_module_follows_its_own_quantization_entry) {
  TinyTensors tensors = tiny_tensors();
  Json config = quantized_config();
  quantize_module(tensors, "lm_head", kFourBits);
  quantize_module(tensors, mlp(0) + ".gate", {8, 64, DType::kF32});
  config["quantization"][mlp(0) + ".gate"] = Json{{"group_size", 64}, {"bits", 8}};
  const auto loaded = load(tensors, config);
  EXPECT_EQ(loaded->backend.matrices.at("lm_head").format.quant, kFourBits);
  EXPECT_EQ(loaded->backend.matrices.at("lm_head").biases, tensors.at("lm_head.biases").bytes);
  EXPECT_EQ(loaded->backend.matrices.at(mlp(0) + ".gate").format.quant, (QuantFormat{8, 64, DType::kF32}));
  EXPECT_FALSE(loaded->backend.matrices.at(mlp(1) + ".gate").format.is_quantized());
}

TEST(Weights, mxfp4_arrives_as_it_stands_without_biases) {
  TinyTensors tensors = tiny_tensors();
  make_mxfp4(tensors, "lm_head");
  const auto loaded = load(tensors, mxfp4_config());
  const RecordedRows& head = loaded->backend.matrices.at("lm_head");
  EXPECT_EQ(head.format, (WeightFormat{DType::kU32, kMxfp4}));
  EXPECT_EQ(head.weights, tensors.at("lm_head.weight").bytes);
  EXPECT_EQ(head.scales, tensors.at("lm_head.scales").bytes);
  EXPECT_TRUE(head.biases.empty());
}

TEST(Weights, stacks_of_mxfp4_experts_may_have_an_affine_down) {
  TinyTensors tensors = with_stacked_experts();
  Json config = mxfp4_config();
  for (int i = 0; i < kLayers; ++i) {
    make_mxfp4(tensors, mlp(i) + ".switch_mlp.gate_proj");
    make_mxfp4(tensors, mlp(i) + ".switch_mlp.up_proj");
    quantize_module(tensors, mlp(i) + ".switch_mlp.down_proj", kFourBits);
    config["quantization"][mlp(i) + ".switch_mlp.down_proj"] = Json{{"group_size", 32}, {"bits", 4}};
  }
  const auto loaded = load(tensors, config);
  const RecordedExperts& table = loaded->backend.experts_tables.at(mlp(2) + ".experts");
  EXPECT_EQ(table.up.format.quant, kMxfp4);
  EXPECT_EQ(table.up.scales, tensors.at(mlp(2) + ".switch_mlp.up_proj.scales").bytes);
  EXPECT_EQ(table.down.format.quant, kFourBits);
}

TEST(Weights, a_tied_head_is_not_loaded) {
  Json config = tiny_config();
  config["tie_word_embeddings"] = true;
  TinyTensors tensors = tiny_tensors();
  EXPECT_FALSE(load(tensors, config)->backend.matrices.contains("lm_head")) << "a copy in the file is dropped";
  tensors.erase("lm_head.weight");
  EXPECT_FALSE(load(tensors, config)->backend.matrices.contains("lm_head"));
}

TEST(Weights, the_draft_head_is_ignored) {
  TinyTensors tensors = tiny_tensors();
  tensors["mtp.fc.weight"] = made_up("mtp.fc.weight", {64, 128}, DType::kBF16, 0.1f);
  EXPECT_EQ(load(tensors)->backend.matrices.size(), load(tiny_tensors())->backend.matrices.size());
}

// The checkpoints are f32, so that the test compares the values of the norms and not their rounding.
TEST(Weights, converted_norms_and_raw_norms_give_the_same_factors) {
  const TinyTensors raw = tiny_tensors(DType::kF32);
  TinyTensors converted = raw;
  for (auto& [name, tensor] : converted) {
    if (name.ends_with("conv1d.weight")) tensor.shape = {96, 4, 1};
    const bool centred = name.ends_with("norm.weight") && !name.ends_with("linear_attn.norm.weight");
    for (int64_t i = 0; centred && i < tensor.shape[0]; ++i) {
      store_f32(tensor.bytes.data(), DType::kF32, i, 1.0f + load_f32(tensor.bytes.data(), DType::kF32, i));
    }
  }
  EXPECT_EQ(load(raw)->backend.vectors, load(converted)->backend.vectors);
}

TEST(Weights, only_the_norm_of_the_linear_layers_is_never_shifted) {
  const TinyTensors tensors = tiny_tensors(DType::kF32);
  const auto loaded = load(tensors);
  const auto uploaded = [&](const std::string& name, float shift) {
    const TinyTensor& tensor = tensors.at(name);
    std::vector<float> values;
    for (int64_t i = 0; i < count_of(tensor.shape); ++i) {
      const float value = load_f32(tensor.bytes.data(), DType::kF32, i);
      values.push_back(shift != 0 ? value + shift : value);
    }
    return std::ranges::count(loaded->backend.vectors, values);
  };
  EXPECT_EQ(uploaded("model.layers.0.linear_attn.norm.weight", 0), 1);
  EXPECT_EQ(uploaded("model.layers.0.linear_attn.A_log", 0), 1);
  EXPECT_EQ(uploaded("model.layers.0.linear_attn.dt_bias", 0), 1);
  EXPECT_EQ(uploaded("model.layers.0.linear_attn.conv1d.weight", 0), 1);
  for (const char* name :
       {"model.norm.weight", "model.layers.0.input_layernorm.weight", "model.layers.0.post_attention_layernorm.weight",
        "model.layers.1.self_attn.q_norm.weight", "model.layers.1.self_attn.k_norm.weight"}) {
    EXPECT_EQ(uploaded(name, 1), 1) << name;
  }
}

TEST(Weights, norms_of_qwen3_moe_are_never_shifted_and_need_no_convolution_to_tell) {
  const TinyFamily tiny = tiny_qwen3_moe(DType::kF32);
  const auto loaded = load(tiny.tensors, tiny.config);
  for (const char* name :
       {"model.norm.weight", "model.layers.0.input_layernorm.weight", "model.layers.3.self_attn.k_norm.weight"}) {
    const TinyTensor& tensor = tiny.tensors.at(name);
    std::vector<float> values;
    for (int64_t i = 0; i < tensor.shape[0]; ++i) values.push_back(load_f32(tensor.bytes.data(), DType::kF32, i));
    EXPECT_EQ(std::ranges::count(loaded->backend.vectors, values), 1) << name;
  }
}

TEST(Weights, small_tensors_may_have_any_float_dtype) {
  TinyTensors tensors = tiny_tensors();
  for (const char* name : {"A_log", "norm.weight"}) {
    const std::string full = std::string("model.layers.0.linear_attn.") + name;
    tensors.at(full) = made_up(full, tensors.at(full).shape, DType::kF32, 1.0f);
  }
  const std::string conv = "model.layers.0.linear_attn.conv1d.weight";
  tensors.at(conv) = made_up(conv, {96, 1, 4}, DType::kF16, 1.0f);
  EXPECT_EQ(load(tensors)->backend.vectors.size(), load(tiny_tensors())->backend.vectors.size());
}

TEST(Weights, progress_ends_at_the_bytes_of_all_tensors) {
  testing::TemporaryDirectory directory;
  const TinyTensors tensors = tiny_tensors();
  write_checkpoint(directory, tiny_config(), tensors);
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes.size();
  std::vector<LoadProgress> reports;
  ModelOptions options;
  options.progress = [&](const LoadProgress& progress) { reports.push_back(progress); };
  RecordingBackend backend;
  load_model(Checkpoint(directory.path()), backend, options);
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().bytes_total, bytes);
  EXPECT_EQ(reports.back().bytes_done, bytes);
}

// ---- what is refused

// Keeps one tensor of every kind: layers 2 and 3 repeat layers 0 and 1, and one expert stands for six.
TinyTensors one_of_each(TinyTensors tensors) {
  std::erase_if(tensors, [](const auto& item) {
    const auto has = [&](const char* part) { return item.first.find(part) != std::string::npos; };
    return has("layers.2.") || has("layers.3.") || (has(".experts.") && has("_proj.weight") && !has(".experts.5."));
  });
  return tensors;
}

TEST(Weights, every_tensor_of_every_family_is_missed_by_name) {
  for (const TinyFamily& family : tiny_families()) {
    for (const auto& [name, tensor] : one_of_each(family.tensors)) {
      TinyTensors tensors = family.tensors;
      tensors.erase(name);
      expect_refused(tensors, family.config, ErrorCode::kMissingTensor, {name});
    }
  }
}

TEST(Weights, a_wrong_shape_is_named_with_both_shapes) {
  for (const TinyFamily& family : tiny_families()) {
    for (const auto& [name, tensor] : one_of_each(family.tensors)) {
      TinyTensors tensors = family.tensors;
      std::vector<int64_t> shape = tensor.shape;
      shape.back() += 32;
      reshape(tensors, name, shape);
      expect_refused(tensors, family.config, ErrorCode::kBadTensor,
                     {name, to_string(tensor.shape), "got " + to_string(shape)});
    }
  }
}

TEST(Weights, a_wrong_dtype_is_named) {
  for (const char* name : {"model.norm.weight", "lm_head.weight", "model.layers.0.mlp.experts.down_proj"}) {
    TinyTensors tensors = tiny_tensors();
    TinyTensor& tensor = tensors.at(name);
    tensor.dtype = DType::kI32;
    tensor.bytes.resize(static_cast<size_t>(count_of(tensor.shape) * 4));
    expect_refused(tensors, tiny_config(), ErrorCode::kBadTensor, {name, "I32"});
  }
}

TEST(Weights, that_another_tool_quantized_without_a_word_in_config_json_are_named) {
  TinyTensors tensors = tiny_tensors();
  TinyTensor& tensor = tensors.at("model.layers.1.self_attn.q_proj.weight");
  tensor.dtype = DType::kU8;
  tensor.bytes.resize(static_cast<size_t>(count_of(tensor.shape)));
  tensors["model.layers.1.self_attn.q_proj.weight_scale_inv"] = made_up("scale", {1, 1}, DType::kBF16, 1.0f);
  expect_refused(tensors, tiny_config(), ErrorCode::kBadTensor,
                 {"model.layers.1.self_attn.q_proj.weight", "got U8: these weights are quantized",
                  "config.json does not say how", "use the unquantized checkpoint"});
  TinyTensors mlx = tiny_tensors();
  quantize_module(mlx, "lm_head", kFourBits);
  expect_refused(mlx, tiny_config(), ErrorCode::kBadConfig,
                 {"quantization.lm_head", "config.json does not say how", "of the same conversion"});
}

TEST(Weights, unknown_tensors_are_counted_and_five_are_listed) {
  TinyTensors tensors = tiny_tensors();
  for (const char* name : {"zz.a", "zz.b", "zz.c", "zz.d", "zz.e", "zz.f"}) {
    tensors[name] = made_up(name, {2}, DType::kF32, 1.0f);
  }
  expect_refused(tensors, tiny_config(), ErrorCode::kUnknownTensor, {"6 tensors", "zz.a", "zz.e", "..."});
  tensors = tiny_tensors();
  tensors["model.layers.1.self_attn.q_proj.bias"] = made_up("bias", {128}, DType::kBF16, 1.0f);
  expect_refused(tensors, tiny_config(), ErrorCode::kUnknownTensor, {"model.layers.1.self_attn.q_proj.bias"});
}

TEST(Weights, a_layer_without_experts_names_the_forms_that_were_looked_for) {
  TinyTensors tensors = tiny_tensors();
  tensors.erase(mlp(3) + ".experts.gate_up_proj");
  tensors.erase(mlp(3) + ".experts.down_proj");
  expect_refused(tensors, tiny_config(), ErrorCode::kMissingTensor,
                 {mlp(3) + ".experts.gate_up_proj", "switch_mlp", "experts.0.gate_proj"});
}

TEST(Weights, a_missing_expert_is_named) {
  TinyTensors tensors = with_single_experts();
  tensors.erase(mlp(0) + ".experts.4.up_proj.weight");
  expect_refused(tensors, tiny_config(), ErrorCode::kMissingTensor, {mlp(0) + ".experts.4.up_proj.weight"});
}

TEST(Weights, gate_and_up_of_different_formats_are_refused) {
  TinyTensors tensors = with_stacked_experts();
  quantize_module(tensors, mlp(0) + ".switch_mlp.up_proj", kFourBits);
  expect_refused(tensors, quantized_config(), ErrorCode::kUnsupported, {mlp(0), "BF16", "4 bits"});
}

TEST(Weights, experts_of_different_formats_in_one_layer_are_refused) {
  TinyTensors tensors = with_single_experts();
  quantize_module(tensors, mlp(0) + ".experts.5.down_proj", kFourBits);
  expect_refused(tensors, quantized_config(), ErrorCode::kUnsupported, {mlp(0) + ".experts.5.down_proj", "BF16"});
}

TEST(Weights, raw_and_converted_layers_in_one_file_are_refused) {
  TinyTensors tensors = tiny_tensors();
  tensors.at("model.layers.2.linear_attn.conv1d.weight").shape = {96, 4, 1};
  expect_refused(tensors, tiny_config(), ErrorCode::kBadTensor,
                 {"model.layers.2.linear_attn.conv1d.weight", "[96, 1, 4]", "[96, 4, 1]"});
}

TEST(Weights, norms_of_unknown_convention_are_refused) {
  Json config = tiny_config();
  config["full_attention_interval"] = 1;
  TinyTensors tensors = tiny_tensors();
  for (const int layer : {0, 2}) {
    const std::string path = "model.layers." + std::to_string(layer) + ".";
    std::erase_if(tensors, [&](const auto& item) { return item.first.starts_with(path); });
    add_layer(tensors, path, LayerKind::kFullAttention, DType::kBF16);
  }
  expect_refused(tensors, config, ErrorCode::kUnsupported, {"zero-centred"});
}

// The codes have 4 bits, while the config says 3 bits: a case of row 18 in docs/reliability.md.
TEST(Weights, codes_that_disagree_with_their_entry_name_the_bits_of_the_file) {
  TinyTensors tensors = tiny_tensors();
  quantize_module(tensors, "lm_head", kFourBits);
  expect_refused(tensors, quantized_config(3), ErrorCode::kBadTensor,
                 {"lm_head.weight", "expected shape [40, 6]", "got [40, 8]", "looks like 4 bits"});
}

TEST(Weights, inconsistent_quantized_parts_are_refused) {
  struct Case {
    const char* part;
    std::function<void(TinyTensors&)> spoil;
    ErrorCode code;
    std::string word;
  };
  const Case cases[] = {
      {"lm_head.weight", [](TinyTensors& t) { reshape(t, "lm_head.weight", {40, 9}); }, ErrorCode::kBadTensor,
       "[40, 8]"},
      {"lm_head.scales", [](TinyTensors& t) { reshape(t, "lm_head.scales", {40, 1}); }, ErrorCode::kBadTensor,
       "[40, 2]"},
      {"lm_head.biases", [](TinyTensors& t) { reshape(t, "lm_head.biases", {39, 2}); }, ErrorCode::kBadTensor,
       "[40, 2]"},
      {"lm_head.biases", [](TinyTensors& t) { t.erase("lm_head.biases"); }, ErrorCode::kMissingTensor, ""},
      {"lm_head.biases", [](TinyTensors& t) { t.at("lm_head.biases") = made_up("b", {40, 2}, DType::kF32, 1.0f); },
       ErrorCode::kBadTensor, "dtype of the scales"},
      {"lm_head.weight", [](TinyTensors& t) { t.at("lm_head.weight") = made_up("w", {40, 8}, DType::kF32, 1.0f); },
       ErrorCode::kBadTensor, "U32"},
  };
  for (const Case& test : cases) {
    TinyTensors tensors = tiny_tensors();
    quantize_module(tensors, "lm_head", kFourBits);
    test.spoil(tensors);
    expect_refused(tensors, quantized_config(), test.code, {test.part, test.word});
  }
}

TEST(Weights, damaged_parts_of_mxfp4_are_refused) {
  struct Case {
    std::string part;
    std::function<void(TinyTensors&)> spoil;
    ErrorCode code;
    std::string word;
  };
  const Case cases[] = {
      {"lm_head.weight", [](TinyTensors& t) { reshape(t, "lm_head.weight", {40, 16}); }, ErrorCode::kBadTensor,
       "looks like 8 bits"},
      {"lm_head.scales", [](TinyTensors& t) { reshape(t, "lm_head.scales", {40, 4}); }, ErrorCode::kBadTensor,
       "expected shape [40, 2], got [40, 4]"},
      {"lm_head.scales", [](TinyTensors& t) { t["lm_head.scales"] = made_up("s", {40, 2}, DType::kBF16, 1.0f); },
       ErrorCode::kBadTensor, "expected scales in U8, got BF16"},
      {"lm_head.biases", [](TinyTensors& t) { t["lm_head.biases"] = made_up("b", {40, 2}, DType::kBF16, 1.0f); },
       ErrorCode::kUnknownTensor, "no place"},
      {"lm_head.weight", [](TinyTensors& t) { t.erase("lm_head.scales"); }, ErrorCode::kBadTensor, "got U32"},
  };
  for (const Case& test : cases) {
    TinyTensors tensors = tiny_tensors();
    make_mxfp4(tensors, "lm_head");
    test.spoil(tensors);
    expect_refused(tensors, mxfp4_config(), test.code, {test.part, test.word});
  }
}

TEST(Weights, a_mode_that_disagrees_with_the_file_is_named) {
  TinyTensors tensors = tiny_tensors();
  make_mxfp4(tensors, "lm_head");
  expect_refused(tensors, quantized_config(), ErrorCode::kBadTensor,
                 {"lm_head.scales", "got U8", "lm_head is of mode affine"});
  quantize_module(tensors = tiny_tensors(), "lm_head", kFourBits);
  expect_refused(tensors, mxfp4_config(), ErrorCode::kBadTensor, {"lm_head.scales", "lm_head is of mode mxfp4"});
}

// N4 has no bias for such a scale. The loader finds the scale while it reads the rows. The test therefore cannot use
// expect_refused(), which expects that nothing was read.
TEST(Weights, a_scale_of_mxfp4_that_is_too_large_is_named_with_its_row) {
  TinyTensors tensors = with_stacked_experts();
  const std::string module = mlp(1) + ".switch_mlp.up_proj";
  make_mxfp4(tensors, mlp(1) + ".switch_mlp.gate_proj");
  make_mxfp4(tensors, module);
  tensors.at(module + ".scales").bytes[2 * 37 + 1] =
      std::byte{253};  // 2 groups per row: group 1 of row 37, in expert 1 (32 rows each)
  try {
    load(tensors, mxfp4_config());
    ADD_FAILURE() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadTensor);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(module + ".scales: row 37 has the E8M0 scale 253"));
  }
}

TEST(Weights, inputs_that_are_no_multiple_of_the_group_are_refused) {
  TinyTensors tensors = with_stacked_experts();
  quantize_module(tensors, mlp(0) + ".switch_mlp.down_proj", kFourBits);
  Json config = quantized_config();
  config["quantization"][mlp(0) + ".switch_mlp.down_proj"] = Json{{"group_size", 64}, {"bits", 4}};
  expect_refused(tensors, config, ErrorCode::kBadTensor, {mlp(0) + ".switch_mlp.down_proj", "group size 64"});
}

}  // namespace
}  // namespace moebius::internal
