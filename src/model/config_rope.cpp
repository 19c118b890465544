// Reads the RoPE keys of config.json from all the places where programs write them. transformers 5 writes
// rope_parameters. Older versions write flat keys with rope_scaling beside them. The kind is in `rope_type` or `type`.
// Defaults and priorities are those of transformers, because the angles are compared with it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/quote.h"
#include "model/config_source.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr double kMaxFactor = 1024;
constexpr double kMaxTurns = 1e6;

std::string kind_of(const JsonObject& rope) {
  const std::string type = rope.string("type", "default");
  const std::string kind = rope.string("rope_type", type);
  if (!rope.has("type") || kind == type) return kind;
  throw Error(ErrorCode::kBadConfig, rope.where("rope_type"),
              fmt::format("expected the same as type, {}, got {}", in_quotes(type), in_quotes(kind)));
}

// The object that says the kind of RoPE. Without such an object, all keys are flat and the kind is "default".
std::optional<JsonObject> rope_object(const JsonObject& text) {
  if (!text.has("rope_parameters") && !text.has("rope_scaling")) return std::nullopt;
  if (!text.has("rope_scaling")) return text.object("rope_parameters");
  JsonObject scaling = text.object("rope_scaling");
  if (!text.has("rope_parameters")) return scaling;
  JsonObject parameters = text.object("rope_parameters");
  if (kind_of(scaling) == "default" && kind_of(parameters) == "default") return parameters;
  throw Error(ErrorCode::kBadConfig, text.where("rope_scaling"),
              "extends RoPE together with rope_parameters, and programs differ in which of them they read",
              "keep one of them, with rope_theta in it or beside it");
}

// 0.1 m ln(factor) + 1. The YaRN paper recommends it for m = 1.
double attention_scale(double factor, double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; }

double read_attention_factor(const JsonObject& rope, double factor) {
  if (rope.has("attention_factor")) return rope.number("attention_factor", 1e-3, 1e3);
  const double numerator = rope.number("mscale", 0.0, 1e3, 0.0);
  const double denominator = rope.number("mscale_all_dim", 0.0, 1e3, 0.0);
  if (numerator == 0 || denominator == 0) return attention_scale(factor, 1);
  return attention_scale(factor, numerator) / attention_scale(factor, denominator);
}

// A number. Both 0 and an absent key mean the default, `otherwise`.
double number_or(const JsonObject& rope, std::string_view key, double max, double otherwise) {
  const double value = rope.number(key, 0.0, max, 0.0);
  return value == 0 ? otherwise : value;
}

Yarn read_yarn(const JsonObject& rope, const JsonObject& text, int64_t max_positions) {
  constexpr std::string_view kOriginal = "original_max_position_embeddings";
  const JsonObject& holder = text.has(kOriginal) ? text : rope;
  Yarn yarn;
  yarn.original_positions = holder.integer(kOriginal, 1, kMaxPositions, max_positions);
  std::optional<double> ratio;  // the wanted length over the trained length
  if (yarn.original_positions < max_positions) {
    ratio = static_cast<double>(max_positions) / static_cast<double>(yarn.original_positions);
  }
  yarn.factor = rope.number("factor", 1.0, kMaxFactor, ratio);
  yarn.beta_fast = number_or(rope, "beta_fast", kMaxTurns, 32);
  yarn.beta_slow = number_or(rope, "beta_slow", kMaxTurns, 1);
  if (yarn.beta_fast < yarn.beta_slow) {
    throw Error(ErrorCode::kBadConfig, rope.where("beta_fast"),
                fmt::format("expected at least beta_slow, {}, got {}", yarn.beta_slow, yarn.beta_fast));
  }
  yarn.truncate = rope.boolean("truncate", true);
  yarn.attention_factor = read_attention_factor(rope, yarn.factor);
  return yarn;
}

// Refuses other extensions (linear, dynamic, longrope, ...). They have other angles, which are not approximated.
[[noreturn]] void refuse_kind(const JsonObject& rope, const std::string& kind) {
  throw Error(ErrorCode::kUnsupported, rope.where(rope.has("rope_type") ? "rope_type" : "type"),
              "expected default or yarn, got " + in_quotes(kind),
              "remove the RoPE extension from config.json to run at the trained context length");
}

}  // namespace

void read_rope(ModelConfig& config, const ConfigSource& source, double default_partial_factor) {
  const JsonObject& text = source.text();
  const std::optional<JsonObject> object = rope_object(text);
  const JsonObject& rope = object ? *object : text;
  const JsonObject& theta = rope.has("rope_theta") ? rope : text;
  config.rope_theta = theta.number("rope_theta", 2.0, 1e12);  // above 1, so that later pairs turn slower
  const JsonObject& partial = rope.has("partial_rotary_factor") ? rope : text;
  const double factor = partial.number("partial_rotary_factor", 0.0, 1.0, default_partial_factor);
  config.rotary_dim = static_cast<int64_t>(static_cast<double>(config.head_dim) * factor);
  if (config.rotary_dim < 2 || config.rotary_dim % 2 != 0) {
    throw Error(ErrorCode::kBadConfig, partial.where("partial_rotary_factor"),
                fmt::format("expected an even number of rotated dimensions, got {} of head_dim {}", config.rotary_dim,
                            config.head_dim));
  }
  const std::string kind = object ? kind_of(rope) : "default";
  if (kind == "default") return;
  if (kind != "yarn") refuse_kind(rope, kind);
  config.yarn = read_yarn(rope, text, config.max_positions);
  const double extended = static_cast<double>(config.yarn->original_positions) * config.yarn->factor;
  config.max_positions = std::clamp(static_cast<int64_t>(extended), config.max_positions, kMaxPositions);
}

}  // namespace moebius::internal
