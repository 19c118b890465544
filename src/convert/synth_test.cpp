// Tests that synthetic checkpoints have exactly the tensors of a published file, at every width, from the seed alone.
#include "convert/synth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "convert/testing/stored_tensors.h"
#include "model/model.h"
#include "model/testing/recording_backend.h"
#include "moebius/error.h"
#include "quant/dequantize.h"

namespace moebius::internal {
namespace {

using Shape = std::vector<int64_t>;
using ::testing::AnyOf;
using ::testing::Contains;
using testing::differences;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using testing::read_tensors;
using testing::StoredTensors;

struct Expected {
  DType dtype;
  Shape shape;
  friend bool operator==(const Expected&, const Expected&) = default;
};
using ExpectedTensors = std::map<std::string, Expected>;

// The tiny preset by hand: D 256, V 1024, 4 heads of 64 with 2 for keys, 2 key and 4 value heads of 64, 8 experts of
// 128, a shared expert of 256.
const std::pair<const char*, Shape> kMatrices[] = {
    {"linear_attn.in_proj_qkv", {512, 256}},
    {"linear_attn.in_proj_z", {256, 256}},
    {"linear_attn.in_proj_b", {4, 256}},
    {"linear_attn.in_proj_a", {4, 256}},
    {"linear_attn.out_proj", {256, 256}},
    {"self_attn.q_proj", {512, 256}},
    {"self_attn.k_proj", {128, 256}},
    {"self_attn.v_proj", {128, 256}},
    {"self_attn.o_proj", {256, 256}},
    {"mlp.gate", {8, 256}},
    {"mlp.shared_expert.gate_proj", {256, 256}},
    {"mlp.shared_expert.up_proj", {256, 256}},
    {"mlp.shared_expert.down_proj", {256, 256}},
    {"mlp.shared_expert_gate", {1, 256}},
};
const std::pair<const char*, Shape> kVectors[] = {
    {"input_layernorm.weight", {256}}, {"post_attention_layernorm.weight", {256}}, {"linear_attn.norm.weight", {64}},
    {"linear_attn.dt_bias", {4}},      {"self_attn.q_norm.weight", {64}},          {"self_attn.k_norm.weight", {64}},
};
const std::pair<const char*, Shape> kStacks[] = {
    {"mlp.switch_mlp.gate_proj", {8, 128, 256}},
    {"mlp.switch_mlp.up_proj", {8, 128, 256}},
    {"mlp.switch_mlp.down_proj", {8, 256, 128}},
};
const std::pair<const char*, Shape> kFused[] = {
    {"mlp.experts.gate_up_proj", {8, 256, 256}},
    {"mlp.experts.down_proj", {8, 256, 128}},
};

bool belongs(const std::string& name, int layer) {
  const bool full = layer == 3;
  return name.find(full ? "linear_attn." : "self_attn.") == std::string::npos;
}

void add_affine(ExpectedTensors& tensors, const std::string& module, Shape shape, int bits, int group) {
  const int64_t cols = shape.back();
  shape.back() = cols * bits / 32;
  tensors[module + ".weight"] = {DType::kU32, shape};
  shape.back() = cols / group;
  tensors[module + ".scales"] = tensors[module + ".biases"] = {DType::kBF16, shape};
}

void add_shared_vectors(ExpectedTensors& tensors, const std::string& layer, int number, const Shape& conv) {
  for (const auto& [name, shape] : kVectors) {
    if (belongs(name, number)) tensors[layer + name] = {DType::kBF16, shape};
  }
  if (number == 3) return;
  tensors[layer + "linear_attn.A_log"] = {DType::kF32, {4}};
  tensors[layer + "linear_attn.conv1d.weight"] = {DType::kBF16, conv};
}

ExpectedTensors expected_mlx(int bits, int group) {
  ExpectedTensors tensors = {{"model.norm.weight", {DType::kBF16, {256}}}};
  for (const char* module : {"model.embed_tokens", "lm_head"}) add_affine(tensors, module, {1024, 256}, bits, group);
  for (int i = 0; i < 4; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    for (const auto& [name, shape] : kMatrices) {
      const bool router = shape[0] == 8 || shape[0] == 1;
      if (belongs(name, i)) add_affine(tensors, layer + name, shape, router ? 8 : bits, router ? 64 : group);
    }
    for (const auto& [name, shape] : kStacks) add_affine(tensors, layer + name, shape, bits, group);
    add_shared_vectors(tensors, layer, i, {512, 4, 1});
  }
  return tensors;
}

ExpectedTensors expected_hf() {
  ExpectedTensors tensors = {{"model.norm.weight", {DType::kBF16, {256}}}};
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"}) tensors[name] = {DType::kBF16, {1024, 256}};
  for (int i = 0; i < 4; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    for (const auto& [name, shape] : kMatrices) {
      if (belongs(name, i)) tensors[layer + name + ".weight"] = {DType::kBF16, shape};
    }
    for (const auto& [name, shape] : kFused) tensors[layer + name] = {DType::kBF16, shape};
    add_shared_vectors(tensors, layer, i, {512, 1, 4});
  }
  return tensors;
}

class Synth : public ::testing::Test {
 protected:
  std::filesystem::path make(SynthOptions options) {
    if (options.preset.empty()) options.preset = "tiny";
    auto out = scratch_.path() / ("out" + std::to_string(++runs_));
    bytes_ = synthesize(options, out);
    return out;
  }

  static ExpectedTensors listed(const std::filesystem::path& directory) {
    ExpectedTensors tensors;
    const ModelDir model(directory);
    for (const auto& [name, entry] : model.tensors()) tensors[name] = {entry.info.dtype, entry.info.shape};
    return tensors;
  }

  testing::TemporaryDirectory scratch_;
  uint64_t bytes_ = 0;
  int runs_ = 0;
};

std::vector<float> floats(const testing::StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / static_cast<size_t>(size_bytes(tensor.dtype)));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = load_f32(tensor.bytes.data(), tensor.dtype, static_cast<int64_t>(i));
  }
  return values;
}

std::vector<float> decoded(const StoredTensors& tensors, const std::string& module, const QuantFormat& format) {
  const auto& codes = tensors.at(module + ".weight").bytes;
  std::vector<float> values(codes.size() * 8 / static_cast<size_t>(format.bits));
  const auto& scales = tensors.at(module + ".scales").bytes;
  const auto biases = tensors.find(module + ".biases");
  dequantize_row(values, {codes.data(), scales.data(), biases == tensors.end() ? nullptr : biases->second.bytes.data()},
                 format);
  return values;
}

struct Moments {
  double mean, deviation;
};
Moments moments(const std::vector<float>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const float x : values) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / n)};
}

TEST_F(Synth, has_exactly_the_tensors_of_an_mlx_file_at_every_width) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    EXPECT_EQ(listed(make({.bits = bits})), expected_mlx(bits, 64)) << bits << " bits";
  }
  for (const int group : {32, 128}) {
    EXPECT_EQ(listed(make({.bits = 4, .group = group})), expected_mlx(4, group)) << "group " << group;
  }
}

TEST_F(Synth, mxfp4_has_scales_of_one_byte_and_no_biases_but_for_the_routers) {
  const ExpectedTensors tensors = listed(make({.mode = QuantMode::kMxfp4}));
  const std::string stack = "model.layers.0.mlp.switch_mlp.up_proj";
  EXPECT_EQ(tensors.at(stack + ".weight"), (Expected{DType::kU32, {8, 128, 32}}));
  EXPECT_EQ(tensors.at(stack + ".scales"), (Expected{DType::kU8, {8, 128, 8}}));
  EXPECT_FALSE(tensors.contains(stack + ".biases"));
  EXPECT_TRUE(tensors.contains("model.layers.0.mlp.gate.biases"));
}

TEST_F(Synth, has_exactly_the_tensors_of_a_hugging_face_file_at_16_bits) {
  EXPECT_EQ(listed(make({.bits = 16})), expected_hf());
}

TEST_F(Synth, files_and_names_are_spelled_as_published) {
  const auto names = [](const std::filesystem::path& directory) {
    const File file(directory / "model.safetensors");
    const SafetensorsHeader header = read_safetensors_header(file);
    std::set<std::string> all;
    for (const TensorInfo& tensor : header.tensors) all.insert(tensor.name);
    return std::pair(header.metadata.at("format"), all);
  };
  const auto [mlx_format, mlx] = names(make({.bits = 4}));
  EXPECT_EQ(mlx_format, "mlx");
  EXPECT_TRUE(mlx.contains("language_model.model.layers.0.mlp.switch_mlp.up_proj.scales"));
  EXPECT_TRUE(mlx.contains("language_model.lm_head.weight"));
  const auto [hf_format, hf] = names(make({.bits = 16}));
  EXPECT_EQ(hf_format, "pt");
  EXPECT_TRUE(hf.contains("model.language_model.layers.0.mlp.experts.gate_up_proj"));
  EXPECT_TRUE(hf.contains("lm_head.weight"));
}

TEST_F(Synth, each_family_is_spelled_as_published) {
  const auto names = [&](const char* preset, int bits) {
    const auto directory = make({.preset = preset, .bits = bits});
    std::set<std::string> all;
    const File file(directory / "model.safetensors");
    for (const TensorInfo& tensor : read_safetensors_header(file).tensors) all.insert(tensor.name);
    return all;
  };
  const std::set<std::string> next = names("tiny-qwen3-next", 16), next_mlx = names("tiny-qwen3-next", 4);
  EXPECT_THAT(next, IsSupersetOf({"model.layers.0.linear_attn.in_proj_qkvz.weight", "model.norm.weight",
                                  "model.layers.0.linear_attn.in_proj_ba.weight",
                                  "model.layers.3.mlp.experts.7.down_proj.weight",
                                  "model.layers.3.mlp.shared_expert_gate.weight"}));
  EXPECT_THAT(next_mlx, IsSupersetOf({"model.layers.0.linear_attn.in_proj_qkvz.scales", "lm_head.biases",
                                      "model.layers.3.mlp.switch_mlp.down_proj.weight"}));
  const std::set<std::string> moe = names("tiny-qwen3-moe", 16);
  EXPECT_THAT(moe, IsSupersetOf({"model.layers.1.mlp.experts.0.gate_proj.weight", "model.layers.0.mlp.gate.weight"}));
  EXPECT_THAT(moe, Each(Not(AnyOf(HasSubstr("shared_expert"), HasSubstr("linear_attn")))));
  EXPECT_THAT(names("tiny-qwen3.5", 16), Contains("model.language_model.layers.0.mlp.gate_proj.weight"));
  EXPECT_THAT(names("tiny-qwen3.5", 4), Contains("language_model.model.layers.0.mlp.gate_proj.scales"));
}

TEST_F(Synth, what_is_made_can_be_loaded_in_every_family) {
  for (const char* preset : {"tiny", "tiny-qwen3.5", "tiny-qwen3-next", "tiny-qwen3-moe"}) {
    for (const int bits : {4, 16}) {
      SCOPED_TRACE(::testing::Message() << preset << " at " << bits << " bits");
      testing::RecordingBackend backend;
      const auto model = load_model(Checkpoint(make({.preset = preset, .bits = bits})), backend, {});
      EXPECT_EQ(std::ssize(backend.experts_tables), model->config().layers);
    }
  }
}

TEST_F(Synth, a_draft_head_can_be_loaded_too) {
  for (const char* preset : {"tiny", "tiny-qwen3.5", "tiny-qwen3-next"}) {
    for (const int bits : {4, 16}) {
      SCOPED_TRACE(::testing::Message() << preset << " at " << bits << " bits");
      testing::RecordingBackend backend;
      const Checkpoint checkpoint(make({.preset = preset, .bits = bits, .mtp = true}));
      const auto model = load_model(checkpoint, backend, {.mtp = std::string(kBundledMtp)});
      EXPECT_EQ(std::ssize(backend.experts_tables), model->config().layers + 1);
    }
  }
  testing::expect_error(ErrorCode::kUsage, "--mtp", [&] { make({.preset = "tiny-qwen3-moe", .mtp = true}); });
}

TEST_F(Synth, norms_that_are_kept_as_they_multiply_are_around_one_in_both_layouts) {
  for (const int bits : {4, 16}) {
    const StoredTensors tensors = read_tensors(make({.preset = "tiny-qwen3-moe", .bits = bits}));
    EXPECT_NEAR(moments(floats(tensors.at("model.norm.weight"))).mean, 1.0, 0.05) << bits;
  }
}

TEST_F(Synth, config_says_how_each_module_is_quantized) {
  const auto params_of = [](const ModelDir& model, const char* module) {
    return model.quantization().lookup(module, Scales::kPresent).value_or(QuantizationParams{});
  };
  const ModelDir affine(make({.bits = 3, .group = 32}));
  EXPECT_EQ(params_of(affine, "model.layers.0.mlp.switch_mlp.down_proj").bits, 3);
  EXPECT_EQ(params_of(affine, "model.layers.0.mlp.switch_mlp.down_proj").group, 32);
  for (const char* router : {"model.layers.3.mlp.gate", "model.layers.3.mlp.shared_expert_gate"}) {
    EXPECT_EQ(params_of(affine, router).bits, 8) << router;
    EXPECT_EQ(params_of(affine, router).group, 64) << router;
  }
  EXPECT_FALSE(ModelDir(make({.bits = 16})).quantization().any());
  const ModelDir mxfp4(make({.mode = QuantMode::kMxfp4}));
  EXPECT_EQ(params_of(mxfp4, "lm_head").mode, QuantMode::kMxfp4);
  EXPECT_EQ(params_of(mxfp4, "model.layers.3.mlp.gate").mode, QuantMode::kAffine);
}

TEST_F(Synth, weights_are_centred_and_as_large_as_their_inputs_ask) {
  for (const QuantFormat& format : {QuantFormat{2}, QuantFormat{3}, QuantFormat{8}, kMxfp4}) {
    const StoredTensors tensors = read_tensors(make({.bits = format.bits, .mode = format.mode}));
    for (const auto& [module, deviation] : {std::pair{"model.layers.0.mlp.switch_mlp.down_proj", 1 / std::sqrt(128.0)},
                                            {"model.layers.3.self_attn.q_proj", 1 / std::sqrt(256.0)},
                                            {"model.embed_tokens", 1.0}}) {
      const Moments m = moments(decoded(tensors, module, format));
      EXPECT_NEAR(m.deviation / deviation, 1.0, 0.05) << module << " as " << to_string(format);
      EXPECT_NEAR(m.mean / deviation, 0.0, 0.02) << module << " as " << to_string(format);
    }
  }
  const StoredTensors hf = read_tensors(make({.bits = 16}));
  const Moments m = moments(floats(hf.at("model.layers.0.mlp.experts.gate_up_proj")));
  EXPECT_NEAR(m.deviation * 16, 1.0, 0.02);
  EXPECT_NEAR(m.mean * 16, 0.0, 0.02);
}

TEST_F(Synth, norms_are_around_zero_in_one_layout_and_around_one_in_the_other) {
  const StoredTensors mlx = read_tensors(make({.bits = 4})), hf = read_tensors(make({.bits = 16}));
  for (const char* name : {"model.norm.weight", "model.layers.1.input_layernorm.weight"}) {
    EXPECT_NEAR(moments(floats(mlx.at(name))).mean, 1.0, 0.05) << name;
    EXPECT_NEAR(moments(floats(hf.at(name))).mean, 0.0, 0.05) << name;
    EXPECT_GT(moments(floats(hf.at(name))).deviation, 0.05) << name;
  }
  for (const StoredTensors* tensors : {&mlx, &hf}) {
    EXPECT_NEAR(moments(floats(tensors->at("model.layers.1.linear_attn.norm.weight"))).mean, 1.0, 0.1);
  }
}

TEST_F(Synth, the_seed_alone_decides_the_bytes) {
  const StoredTensors first = read_tensors(make({.bits = 4, .seed = 7})),
                      again = read_tensors(make({.bits = 4, .seed = 7}));
  const StoredTensors other = read_tensors(make({.bits = 4, .seed = 8}));
  EXPECT_THAT(differences(first, again), IsEmpty());
  EXPECT_EQ(differences(first, other).size(), first.size());
}

TEST_F(Synth, layers_of_the_same_kind_differ) {
  const StoredTensors tensors = read_tensors(make({.bits = 4}));
  EXPECT_NE(tensors.at("model.layers.0.mlp.gate.weight"), tensors.at("model.layers.1.mlp.gate.weight"));
}

TEST_F(Synth, layers_can_be_chosen) {
  const ModelDir model(make({.layers = 9, .bits = 2}));
  const ModelConfig config = parse_model_config(model.config(), "config.json");
  EXPECT_EQ(config.layers, 9);
  EXPECT_EQ(config.count(LayerKind::kFullAttention), 2);
  EXPECT_NE(model.find("model.layers.7.self_attn.q_proj.weight"), nullptr);
  EXPECT_NE(model.find("model.layers.8.linear_attn.A_log"), nullptr);
}

TEST_F(Synth, progress_ends_with_all_bytes) {
  uint64_t done = 0, total = 0;
  make({.bits = 4, .progress = [&](uint64_t now, uint64_t all) { done = now, total = all; }});
  EXPECT_EQ(done, total);
  EXPECT_EQ(total, bytes_);
}

TEST_F(Synth, refuses_what_it_cannot_make_and_leaves_nothing_behind) {
  const auto code = [&](const SynthOptions& options) {
    try {
      make(options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code({.preset = "qwen3-235b-a22b"}), ErrorCode::kUsage);
  EXPECT_EQ(code({.layers = -1}), ErrorCode::kUsage);
  EXPECT_EQ(code({.bits = 7}), ErrorCode::kUsage);
  EXPECT_EQ(code({.bits = 4, .group = 48}), ErrorCode::kUsage);
  EXPECT_EQ(code({.progress = [](uint64_t, uint64_t) { throw Error(ErrorCode::kInterrupted, "", ""); }}),
            ErrorCode::kInterrupted);
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
  const auto out = make({});
  EXPECT_THROW(synthesize({.preset = "tiny"}, out), Error);
}

}  // namespace
}  // namespace moebius::internal
