// Parses the quantization block and looks modules up in it.
#include "checkpoint/quantization.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/json_events.h"
#include "base/quote.h"
#include "checkpoint/model_dir.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr int64_t kAffineBits[] = {2, 3, 4, 5, 6, 8};
constexpr int64_t kAffineGroups[] = {32, 64, 128};
constexpr int64_t kMxfp4Bits[] = {4};
constexpr int64_t kMxfp4Groups[] = {32};

struct ModeRules {
  std::span<const int64_t> bits, groups;  // allowed
  QuantizationParams defaults;            // for an override that names none
};

ModeRules rules_of(QuantMode mode) {
  if (mode == QuantMode::kMxfp4) return {kMxfp4Bits, kMxfp4Groups, {4, 32, mode}};
  return {kAffineBits, kAffineGroups, {4, 64, mode}};
}

QuantMode parse_mode(const JsonObject& block) {
  const std::string mode = block.string("mode", std::string(name(QuantMode::kAffine)));
  for (const QuantMode known : {QuantMode::kAffine, QuantMode::kMxfp4}) {
    if (mode == name(known)) return known;
  }
  throw Error(ErrorCode::kUnsupported, block.where("mode"),
              fmt::format("quantization mode {}, only \"affine\" and \"mxfp4\" are implemented", in_quotes(mode)),
              kOtherFormatHint);
}

int one_of(const JsonObject& block, std::string_view key, std::span<const int64_t> allowed,
           std::optional<int64_t> otherwise) {
  const int64_t value = block.integer(key, INT64_MIN, INT64_MAX, otherwise);
  if (std::ranges::find(allowed, value) == allowed.end()) {
    throw Error(
        ErrorCode::kBadConfig, block.where(key),
        fmt::format("expected {}{}, got {}", allowed.size() > 1 ? "one of " : "", fmt::join(allowed, ", "), value),
        kOtherFormatHint);
  }
  return static_cast<int>(value);
}

enum class Block : uint8_t { kGlobal, kOverride };

// An override need not name bits and group; the global block must.
QuantizationParams parse_params(const JsonObject& block, Block kind) {
  const QuantMode mode = parse_mode(block);
  const auto [bits, groups, defaults] = rules_of(mode);
  const auto otherwise = [kind](int value) {
    return kind == Block::kOverride ? std::optional<int64_t>(value) : std::nullopt;
  };
  return {one_of(block, "bits", bits, otherwise(defaults.bits)),
          one_of(block, "group_size", groups, otherwise(defaults.group)), mode};
}

// Finds the block that mlx-lm acts on. quantization_config holds the same block, or that of another method.
std::optional<JsonObject> find_block(const JsonObject& config) {
  for (const char* key : {"quantization", "quantization_config"}) {
    if (config.has(key)) return config.object(key);
  }
  if (config.has("text_config")) return find_block(config.object("text_config"));
  return std::nullopt;
}

void refuse_other_methods(const JsonObject& block) {
  if (!block.has("quant_method")) return;
  throw Error(ErrorCode::kUnsupported, block.where("quant_method"),
              fmt::format("quantization method {} is not implemented", in_quotes(block.string("quant_method"))),
              kOtherFormatHint);
}

bool is_parameter(std::string_view key) {
  return key == "bits" || key == "group_size" || key == "mode" || key == "quantize_activations";
}

using Override = std::optional<QuantizationParams>;  // nullopt: the module is not quantized

// Returns nullopt when the key does not speak of a module.
std::optional<Override> parse_override(const JsonObject& block, const std::string& key, const Json& value,
                                       const QuantizationParams& global) {
  if (value.is_object()) return parse_params({value, block.where(key)}, Block::kOverride);
  if (value.is_boolean()) return value.get<bool>() ? Override(global) : Override();
  if (value.is_null() || key.find('.') == std::string::npos) return std::nullopt;  // a remark of the converter
  throw Error(ErrorCode::kBadConfig, block.where(key),
              std::string("expected an object, true or false for this module, got ") + value.type_name(), kBadJsonHint);
}

}  // namespace

QuantizationConfig QuantizationConfig::parse(const Json& root, const std::string& where) {
  QuantizationConfig config;
  const std::optional<JsonObject> block = find_block({root, where});
  if (!block) return config;
  refuse_other_methods(*block);
  config.global_ = parse_params(*block, Block::kGlobal);
  for (const auto& [key, value] : block->json().items()) {
    const std::string module = is_parameter(key) ? "" : name_in(root, key);
    if (module.empty()) continue;  // a parameter, or a module of the vision tower
    const std::optional<Override> entry = parse_override(*block, key, value, *config.global_);
    if (entry && !config.overrides_.emplace(module, *entry).second) {
      throw Error(ErrorCode::kDuplicateKey, block->where(key), "two entries speak of module " + in_quotes(module),
                  kBadJsonHint);
    }
  }
  return config;
}

std::optional<QuantizationParams> QuantizationConfig::lookup(std::string_view module, Scales scales) const {
  const bool has_scales = scales == Scales::kPresent;
  const auto found = overrides_.find(module);
  const bool has_entry = found != overrides_.end();
  if (!has_entry && !has_scales) return std::nullopt;
  const std::optional<QuantizationParams>& params = has_entry ? found->second : global_;
  if (params.has_value() == has_scales) return params;
  const std::string what = has_scales ? "has scales in the files, but config.json does not say how it is quantized"
                                      : "is quantized by config.json, but has no scales in the files";
  throw Error(ErrorCode::kBadConfig, "config.json: quantization." + printable(module, 256), what,
              "take config.json and the safetensors files of the same conversion");
}

}  // namespace moebius::internal
