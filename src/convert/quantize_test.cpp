// Compares conversions with those of mlx-lm (tests/golden/make_convert.py) and with each other, and tests what they
// refuse.
#include "convert/quantize.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "base/testing/temporary_directory.h"
#include "convert/synth.h"
#include "convert/testing/stored_tensors.h"
#include "moebius/error.h"
#include "quant/dequantize.h"

namespace moebius::internal {
namespace {

using testing::differences;
using ::testing::ElementsAre;
using testing::golden;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::read_tensors;
using testing::StoredTensors;

class Quantize : public ::testing::Test {
 protected:
  StoredTensors converted(const std::filesystem::path& source, const QuantizeOptions& options) {
    const auto out = scratch_.path() / ("out" + std::to_string(++runs_));
    report_ = quantize(source, out, options);
    return read_tensors(out);
  }

  // Returns the error of a conversion that must fail and leave nothing behind.
  Error failure(const std::filesystem::path& source, const QuantizeOptions& options = {}) {
    const auto out = scratch_.path() / "refused";
    try {
      quantize(source, out, options);
    } catch (const Error& error) {
      for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
        EXPECT_THAT(entry.path().filename().string(), ::testing::Not(::testing::StartsWith("refused")));
      }
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorCode::kInternal, "", "");
  }

  // Writes a copy of convert/hf with one change.
  template <typename Change>
  std::filesystem::path changed_source(const Change& change) {
    StoredTensors tensors = read_tensors(golden("convert/hf"));
    Json config = ModelDir(golden("convert/hf")).config();
    change(tensors, config);
    const auto directory = scratch_.path() / ("source" + std::to_string(++runs_));
    testing::write_checkpoint(directory, config, tensors);
    return directory;
  }

  testing::TemporaryDirectory scratch_;
  QuantizeReport report_;
  int runs_ = 0;
};

StoredTensors without_mtp(StoredTensors tensors) {
  std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("mtp."); });
  return tensors;
}

TEST_F(Quantize, every_byte_is_that_of_mlx_lm) {
  for (const auto& [bits, group] : {std::pair{4, 64}, {3, 32}}) {
    const std::string name = "convert/mlx_b" + std::to_string(bits) + "_g" + std::to_string(group);
    const StoredTensors ours = converted(golden("convert/hf"), {.bits = bits, .group = group});
    EXPECT_THAT(differences(without_mtp(ours), read_tensors(golden(name))), IsEmpty()) << name;
  }
}

TEST_F(Quantize, the_quantization_block_is_that_of_mlx_lm_and_the_mtp_routers) {
  converted(golden("convert/hf"), {.bits = 4});
  const Json ours = ModelDir(scratch_.path() / "out1").config();
  Json expected = ModelDir(golden("convert/mlx_b4_g64")).config().at("quantization");
  for (const char* module : {"mtp.layers.0.mlp.gate", "mtp.layers.0.mlp.shared_expert_gate"}) {
    expected[module] = {{"group_size", 64}, {"bits", 8}};
  }
  EXPECT_EQ(ours.at("quantization"), expected);
  EXPECT_EQ(ours.at("quantization_config"), expected);
  EXPECT_FALSE(ours.contains("vision_config"));
  EXPECT_EQ(ours.at("text_config").at("hidden_size"), 64);
}

TEST_F(Quantize, the_mtp_head_is_converted_like_a_layer_and_its_fc_is_kept) {
  const StoredTensors tensors = converted(golden("convert/hf"), {.bits = 4});
  StoredTensors head, layer;  // the head of this checkpoint repeats layer 1
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("mtp.layers.0.")) head[name.substr(13)] = tensor;
    if (name.starts_with("model.layers.1.")) layer[name.substr(15)] = tensor;
  }
  EXPECT_GT(head.size(), 20u);
  EXPECT_THAT(differences(head, layer), IsEmpty());
  EXPECT_EQ(tensors.at("mtp.fc.weight"), read_tensors(golden("convert/hf")).at("mtp.fc.weight"));
  EXPECT_TRUE(tensors.contains("mtp.pre_fc_norm_hidden.weight"));
  EXPECT_THAT(report_.left_over, IsEmpty());
}

TEST_F(Quantize, every_form_of_the_same_model_gives_the_same_tensors) {
  const StoredTensors expected = read_tensors(golden("checkpoints/forms_mlx"));
  for (const char* form : {"forms", "forms_mixed", "forms_wrapper", "forms_saved", "forms_mlx"}) {
    const StoredTensors ours = converted(golden(std::string("checkpoints/") + form), {.bits = 4, .group = 128});
    EXPECT_THAT(differences(ours, expected), IsEmpty()) << form;  // no input is a multiple of 128: all stay floating
  }
}

// With groups of 128 everything stays floating, except for one matrix of qwen3_moe_forms (o_proj), which mlx-lm was not
// asked to quantize.
TEST_F(Quantize, every_form_of_every_family_gives_the_tensors_of_mlx_lm) {
  const auto without_o_proj = [](StoredTensors tensors) {
    std::erase_if(tensors, [](const auto& item) { return item.first.find("o_proj") != std::string::npos; });
    return tensors;
  };
  for (const std::string family : {"qwen3_next_forms", "qwen3_moe_forms", "qwen3_5_forms"}) {
    const StoredTensors expected = without_o_proj(read_tensors(golden("checkpoints/" + family + "_mlx")));
    for (const std::string form : {"", family == "qwen3_5_forms" ? "_wrapper" : "_fused", "_saved", "_mlx"}) {
      const StoredTensors ours = converted(golden(fmt::format("checkpoints/{}{}", family, form)), {.group = 128});
      EXPECT_THAT(differences(without_o_proj(ours), expected), IsEmpty()) << family + form;
    }
  }
}

TEST_F(Quantize, flat_projections_of_qwen3_next_stay_flat) {
  const StoredTensors tensors = converted(golden("checkpoints/qwen3_next_forms_flat"), {.group = 128});
  EXPECT_TRUE(tensors.contains("model.layers.0.linear_attn.in_proj_qkv.weight"));
  EXPECT_FALSE(tensors.contains("model.layers.0.linear_attn.in_proj_qkvz.weight"));
}

// Compares names, dtypes and shapes. The numbers differ, because the two checkpoints have other random weights.
TEST_F(Quantize, a_quantized_checkpoint_has_the_tensors_of_the_synthetic_one_in_every_family) {
  for (const std::string preset : {"tiny", "tiny-qwen3.5", "tiny-qwen3-next", "tiny-qwen3-moe"}) {
    SCOPED_TRACE(preset);
    const auto plain = scratch_.path() / (preset + "16"), quantized = scratch_.path() / (preset + "4");
    synthesize({.preset = preset, .bits = 16}, plain);
    synthesize({.preset = preset, .bits = 4}, quantized);
    const auto without_bytes = [](StoredTensors tensors) {
      for (auto& [name, tensor] : tensors) tensor.bytes.clear();
      return tensors;
    };
    EXPECT_THAT(differences(without_bytes(converted(plain, {.bits = 4})), without_bytes(read_tensors(quantized))),
                IsEmpty());
    const auto out = scratch_.path() / ("out" + std::to_string(runs_));
    EXPECT_EQ(ModelDir(out).config().at("quantization"), ModelDir(quantized).config().at("quantization"));
    EXPECT_EQ(ModelDir(out).config().at("model_type"), ModelDir(quantized).config().at("model_type"));
  }
}

TEST_F(Quantize, stacked_and_single_quantized_experts_give_the_same_tensors) {
  const StoredTensors stacked = converted(golden("checkpoints/q3_g64"), {.bits = 4, .group = 32});
  const StoredTensors single = converted(golden("checkpoints/q3_g64_per_expert"), {.bits = 4, .group = 32});
  EXPECT_THAT(differences(stacked, single), IsEmpty());
  EXPECT_EQ(stacked.at("model.layers.0.mlp.switch_mlp.gate_proj.weight").shape, (std::vector<int64_t>{4, 64, 8}));
}

TEST_F(Quantize, what_has_the_wanted_format_is_copied) {
  for (const auto& [name, bits] : {std::pair{"q3_g64", 3},
                                   {"qwen3_next_q3_g64", 3},
                                   {"qwen3_next_q4_g64", 4},
                                   {"qwen3_moe_q4_g64", 4},
                                   {"qwen3_5_q4_g64", 4}}) {
    const auto source = golden(std::string("checkpoints/") + name);
    EXPECT_THAT(differences(converted(source, {.bits = bits, .group = 64}), read_tensors(source)), IsEmpty()) << name;
  }
}

TEST_F(Quantize, widening_a_quantized_matrix_keeps_its_values) {
  const StoredTensors three = read_tensors(golden("checkpoints/q3_g64"));
  const StoredTensors eight = converted(golden("checkpoints/q3_g64"), {.bits = 8, .group = 64});
  const auto row = [](const StoredTensors& tensors, int bits) {
    const std::string module = "model.layers.0.mlp.switch_mlp.up_proj.";
    std::vector<float> w(64);
    dequantize_row(w,
                   {tensors.at(module + "weight").bytes.data(), tensors.at(module + "scales").bytes.data(),
                    tensors.at(module + "biases").bytes.data()},
                   {bits, 64, DType::kBF16});
    return w;
  };
  const auto before = row(three, 3), after = row(eight, 8);
  const auto [low, high] = std::ranges::minmax(before);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], (high - low) / 255) << i;
}

TEST_F(Quantize, mxfp4_becomes_affine_within_its_steps) {
  const std::string module = "model.layers.0.mlp.switch_mlp.up_proj";
  const StoredTensors before = read_tensors(golden("checkpoints/mxfp4"));
  const StoredTensors after = converted(golden("checkpoints/mxfp4"), {.bits = 8, .group = 32});
  const auto data = [&](const StoredTensors& tensors, const char* part) {
    return tensors.at(module + part).bytes.data();
  };
  std::vector<float> w(32), affine(32);
  dequantize_row(w, {data(before, ".weight"), data(before, ".scales"), nullptr}, kMxfp4);
  dequantize_row(affine, {data(after, ".weight"), data(after, ".scales"), data(after, ".biases")},
                 {8, 32, after.at(module + ".scales").dtype});
  const auto [low, high] = std::ranges::minmax(w);
  EXPECT_GT(high, low);
  for (size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(affine[i], w[i], (high - low) / 255) << i;
}

TEST_F(Quantize, router_bits_are_chosen_apart_from_the_rest) {
  const StoredTensors tensors = converted(golden("convert/hf"), {.bits = 2, .router_bits = 6});
  EXPECT_EQ(tensors.at("model.layers.0.mlp.gate.weight").shape, (std::vector<int64_t>{3, 64 * 6 / 32}));
  EXPECT_EQ(tensors.at("model.layers.0.linear_attn.in_proj_a.weight").shape, (std::vector<int64_t>{2, 64 * 2 / 32}));
  const ModelDir out(scratch_.path() / "out1");
  EXPECT_EQ(out.quantization().lookup("model.layers.0.mlp.gate", Scales::kPresent).value_or(QuantizationParams{}).bits,
            6);
}

TEST_F(Quantize, threads_do_not_change_a_byte) {
  const StoredTensors one = converted(golden("convert/hf"), {.bits = 5, .threads = 1});
  const StoredTensors three = converted(golden("convert/hf"), {.bits = 5, .threads = 3});
  EXPECT_THAT(differences(one, three), IsEmpty());
}

TEST_F(Quantize, progress_ends_with_all_bytes_of_the_source) {
  uint64_t done = 0, total = 0;
  QuantizeOptions options;
  options.progress = [&](uint64_t now, uint64_t all) {
    EXPECT_GE(now, done);
    done = now, total = all;
  };
  converted(golden("convert/hf"), options);
  EXPECT_EQ(done, total);
  EXPECT_EQ(total, report_.source_bytes);
}

TEST_F(Quantize, text_files_are_copied_and_others_are_not) {
  const auto source = changed_source([](StoredTensors&, Json&) {});
  const std::vector<std::string> kept = {"tokenizer.json",
                                         "tokenizer_config.json",
                                         "chat_template.jinja",
                                         "vocab.json",
                                         "merges.txt",
                                         "generation_config.json",
                                         "special_tokens_map.json",
                                         "processor_config.json",
                                         "additional_chat_templates/tool_use.jinja"};
  std::filesystem::create_directory(source / "additional_chat_templates");
  for (const std::string& name : kept) std::ofstream(source / name) << "of " << name;
  for (const char* name : {"README.md", "preprocessor_config.json"}) std::ofstream(source / name) << name;
  converted(source, {});
  const auto out = scratch_.path() / ("out" + std::to_string(runs_));
  for (const std::string& name : kept) EXPECT_EQ(read_text(out / name, 100), "of " + name);
  const auto files = std::distance(std::filesystem::directory_iterator(out), {});
  EXPECT_EQ(files, static_cast<std::ptrdiff_t>(kept.size() + 2));  // 2: config.json and model.safetensors
}

TEST_F(Quantize, text_only_exports_get_the_name_that_mlx_lm_knows) {
  converted(golden("checkpoints/forms"), {});
  EXPECT_EQ(ModelDir(scratch_.path() / "out1").config().at("model_type"), "qwen3_5_moe");
  converted(golden("checkpoints/qwen3_5_forms"), {});
  EXPECT_EQ(ModelDir(scratch_.path() / "out2").config().at("model_type"), "qwen3_5");
}

TEST_F(Quantize, tied_embeddings_have_no_head) {
  const StoredTensors tensors = converted(golden("checkpoints/r2_tied_f16"), {.bits = 4, .group = 32});
  EXPECT_FALSE(tensors.contains("lm_head.weight"));
  EXPECT_EQ(tensors.at("model.layers.1.linear_attn.conv1d.weight").dtype, DType::kF16);
}

TEST_F(Quantize, unknown_tensors_of_the_draft_head_are_reported) {
  const auto source = changed_source(
      [](StoredTensors& tensors, Json&) { tensors["mtp.embed_tokens.weight"] = tensors.at("lm_head.weight"); });
  converted(source, {});
  EXPECT_THAT(report_.left_over, ElementsAre("mtp.embed_tokens.weight"));
}

TEST_F(Quantize, refuses_an_existing_output) {
  const auto taken = scratch_.path() / "taken";
  std::filesystem::create_directory(taken);
  try {
    quantize(golden("convert/hf"), taken, {});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExists);
  }
}

TEST_F(Quantize, refuses_widths_and_groups_that_do_not_exist) {
  EXPECT_EQ(failure(golden("convert/hf"), {.bits = 7}).code(), ErrorCode::kUsage);
  EXPECT_EQ(failure(golden("convert/hf"), {.group = 16}).code(), ErrorCode::kUsage);
  EXPECT_THAT(failure(golden("convert/hf"), {.router_bits = 1}).what(), HasSubstr("--router-bits"));
}

TEST_F(Quantize, refuses_weights_that_are_not_finite_and_names_them) {
  const auto source = changed_source([](StoredTensors& tensors, Json&) {
    auto& bytes = tensors.at("model.layers.1.self_attn.k_proj.weight").bytes;
    store_f32(bytes.data(), DType::kBF16, 5 * 64 + 3, std::numeric_limits<float>::infinity());
  });
  const Error error = failure(source);
  EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
  EXPECT_THAT(error.what(), HasSubstr("model.layers.1.self_attn.k_proj.weight"));
  EXPECT_THAT(error.what(), HasSubstr("row 5"));
}

TEST_F(Quantize, refuses_weights_that_the_wanted_dtype_cannot_hold) {
  const auto source = changed_source([](StoredTensors& tensors, Json& config) {
    config["text_config"]["dtype"] = "float16";
    store_f32(tensors.at("lm_head.weight").bytes.data(), DType::kBF16, 64, 1e6f);
  });
  const Error error = failure(source);
  EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
  EXPECT_THAT(error.what(), HasSubstr("lm_head.weight: row 1 holds a value that is not finite as F16"));
}

TEST_F(Quantize, refuses_tensors_that_have_no_place) {
  const auto source = changed_source(
      [](StoredTensors& tensors, Json&) { tensors["model.layers.0.bonus.weight"] = tensors.at("lm_head.weight"); });
  const Error error = failure(source);
  EXPECT_EQ(error.code(), ErrorCode::kUnknownTensor);
  EXPECT_THAT(error.what(), HasSubstr("model.layers.0.bonus.weight"));
}

TEST_F(Quantize, refuses_a_layer_without_experts) {
  const auto source =
      changed_source([](StoredTensors& tensors, Json&) { tensors.erase("model.layers.1.mlp.experts.gate_up_proj"); });
  const Error error = failure(source);
  EXPECT_EQ(error.code(), ErrorCode::kMissingTensor);
  EXPECT_THAT(error.what(), HasSubstr("model.layers.1.mlp.switch_mlp.gate_proj"));
}

TEST_F(Quantize, refuses_convolutions_of_both_conventions) {
  const auto source = changed_source([](StoredTensors& tensors, Json& config) {
    config["text_config"]["layer_types"] = {"linear_attention", "linear_attention"};
    std::erase_if(tensors, [](const auto& item) { return item.first.find("layers.1.self_attn") != std::string::npos; });
    StoredTensors copies;
    for (const auto& [name, tensor] : tensors) {
      if (name.starts_with("model.layers.0.linear_attn.")) copies["model.layers.1." + name.substr(15)] = tensor;
    }
    tensors.merge(copies);
    auto& shape = tensors.at("model.layers.1.linear_attn.conv1d.weight").shape;
    std::swap(shape[1], shape[2]);
  });
  const Error error = failure(source);
  EXPECT_EQ(error.code(), ErrorCode::kBadTensor);
  EXPECT_THAT(error.what(), HasSubstr("conv1d"));
}

}  // namespace
}  // namespace moebius::internal
