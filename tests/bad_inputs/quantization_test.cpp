// Row 18, the quantization block, and config.json as a hostile file. The model's own fields: src/model/config_test.cpp.
#include <gtest/gtest.h>

#include "bad_input.h"
#include "raw_file.h"

namespace moebius {
namespace {

auto config(const std::string& text) {
  return [=](const std::filesystem::path& directory) { write_bytes(directory / "config.json", text); };
}

auto block(const std::string& text) { return config(R"({"quantization": )" + text + "}"); }

const std::vector<BadInput> kBlocks = {
    {"row18_seven_bits",
     block(R"({"bits": 7, "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits: expected one of 2, 3, 4, 5, 6, 8, got 7"}},
    {"row18_one_bit",
     block(R"({"bits": 1, "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits:", "got 1"}},
    {"row18_minus_four_bits",
     block(R"({"bits": -4, "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits:", "got -4"}},
    {"row18_half_bits",
     block(R"({"bits": 4.5, "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits: expected an integer", "got 4.5"}},
    {"row18_bits_in_quotes",
     block(R"({"bits": "4", "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits: expected an integer", "got \"4\""}},
    {"row18_bits_of_2_to_the_64",
     block(R"({"bits": 18446744073709551620, "group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits"}},
    {"row18_no_bits",
     block(R"({"group_size": 64})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.bits: is missing"}},
    {"row18_a_group_of_0",
     block(R"({"bits": 4, "group_size": 0})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.group_size: expected one of 32, 64, 128, got 0"}},
    {"row18_a_group_of_3",
     block(R"({"bits": 4, "group_size": 3})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.group_size:", "got 3"}},
    {"row18_no_group",
     block(R"({"bits": 4})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.group_size: is missing"}},
    {"row18_a_block_that_is_a_number",
     block("4"),
     ErrorCode::kBadConfig,
     {"config.json: quantization: expected an object, got 4"}},
    {"row18_a_block_that_is_an_array",
     block("[]"),
     ErrorCode::kBadConfig,
     {"config.json: quantization: expected an object"}},
    {"row18_a_bad_width_in_an_override",
     block(R"({"bits": 4, "group_size": 64, "model.layers.0.mlp.gate": {"bits": 9}})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.model.layers.0.mlp.gate.bits:", "got 9"}},
    {"row18_an_override_that_is_a_number",
     block(R"({"bits": 4, "group_size": 64, "model.layers.0.mlp.gate": 8})"),
     ErrorCode::kBadConfig,
     {"config.json: quantization.model.layers.0.mlp.gate: expected an object, true or false"}},
    {"row18_two_overrides_of_one_module",
     block(R"({"bits": 4, "group_size": 64, "lm_head": true, "language_model.lm_head": false})"),
     ErrorCode::kDuplicateKey,
     {"config.json: quantization.language_model.lm_head", "\"lm_head\""}},
    {"row18_a_bad_block_in_text_config",
     config(R"({"text_config": {"quantization": {"bits": 7, "group_size": 64}}})"),
     ErrorCode::kBadConfig,
     {"config.json: text_config.quantization.bits"}},
};
MOEBIUS_BAD_INPUTS(QuantizationBlocks, kBlocks);

const std::vector<BadInput> kMethods = {
    {"another_mode",
     block(R"({"bits": 4, "group_size": 32, "mode": "mxfp4"})"),
     ErrorCode::kUnsupported,
     {"config.json: quantization.mode:", "\"mxfp4\"", "affine"}},
    {"another_mode_in_an_override",
     block(R"({"bits": 4, "group_size": 64, "lm_head": {"bits": 4, "group_size": 16, "mode": "nvfp4"}})"),
     ErrorCode::kUnsupported,
     {"config.json: quantization.lm_head.mode:", "\"nvfp4\""}},
    {"fp8",
     config(R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})"),
     ErrorCode::kUnsupported,
     {"config.json: quantization_config.quant_method:", "\"fp8\"", "moebius quantize"}},
    {"awq_in_text_config",
     config(R"({"text_config": {"quantization_config": {"quant_method": "awq", "bits": 4}}})"),
     ErrorCode::kUnsupported,
     {"config.json: text_config.quantization_config.quant_method:", "\"awq\""}},
    {"gptq",
     config(R"({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}})"),
     ErrorCode::kUnsupported,
     {"\"gptq\""}},
    {"compressed_tensors",
     config(R"({"quantization_config": {"quant_method": "compressed-tensors"}})"),
     ErrorCode::kUnsupported,
     {"\"compressed-tensors\""}},
    {"a_method_of_tomorrow",
     config(R"({"quantization_config": {"quant_method": "q\u001b[1m"}})"),
     ErrorCode::kUnsupported,
     {R"("q\x1b[1m")"}},
};
MOEBIUS_BAD_INPUTS(QuantizationMethods, kMethods);

const std::vector<BadInput> kConfigs = {
    {"a_config_that_is_empty", config(""), ErrorCode::kInvalidJson, {"config.json: the JSON text ends early"}},
    {"a_config_cut_off", config(R"({"hidden_size": 20)"), ErrorCode::kInvalidJson, {"config.json:", "byte 18"}},
    {"a_config_that_is_an_array", config("[]"), ErrorCode::kBadConfig, {"config.json: expected an object"}},
    {"a_config_that_is_a_web_page",
     config("<!DOCTYPE html>"),
     ErrorCode::kInvalidJson,
     {"config.json:", "unexpected \"<!DOCTYPE html>\" at byte 0"}},
    {"a_config_of_nine_megabytes",
     config("{\"a\":\"" + std::string(9 << 20, 'a') + "\"}"),
     ErrorCode::kHeaderTooLarge,
     {"config.json: is 9437192 bytes"}},
    {"a_config_of_a_million_small_values",
     config("[" + repeat("[],", 1'000'000) + "0]"),
     ErrorCode::kHeaderTooLarge,
     {"config.json: too many JSON values"},
     24 << 20},
    {"a_config_nested_a_million_deep",
     config(repeat("[", 1'000'000)),
     ErrorCode::kJsonDepth,
     {"config.json:"},
     3 << 20},
    {"a_config_with_a_key_twice", config(R"({"a": 1, "a": 2})"), ErrorCode::kDuplicateKey, {"config.json:", "\"a\""}},
    {"a_config_with_a_byte_order_mark",
     config("\xef\xbb\xbf{}"),
     ErrorCode::kInvalidJson,
     {"config.json:", "byte order"}},
};
MOEBIUS_BAD_INPUTS(Configs, kConfigs);

}  // namespace
}  // namespace moebius
