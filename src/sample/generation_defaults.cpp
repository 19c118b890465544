// generation_config.json, field by field.
#include "sample/generation_defaults.h"

#include <algorithm>
#include <limits>

namespace moebius::internal {
namespace {

std::optional<float> optional_number(const JsonObject& object, const char* key, float min, float max) {
  if (!object.has(key)) return std::nullopt;
  return static_cast<float>(object.number(key, static_cast<double>(min), static_cast<double>(max)));
}

}  // namespace

GenerationDefaults read_generation_defaults(const JsonObject& generation_config) {
  using Limits = SamplingLimits;
  const auto number = [&](const char* key, float min, float max) {
    return optional_number(generation_config, key, min, max);
  };
  GenerationDefaults defaults;
  if (generation_config.has("do_sample")) defaults.do_sample = generation_config.boolean("do_sample");
  defaults.temperature = number("temperature", 0, Limits::kTemperature);
  if (generation_config.has("top_k")) {
    const int64_t top_k = generation_config.integer("top_k", -1, std::numeric_limits<int32_t>::max());
    defaults.top_k = static_cast<int32_t>(std::max<int64_t>(top_k, 0));
  }
  defaults.top_p = number("top_p", 0, 1);
  defaults.min_p = number("min_p", 0, 1);
  defaults.repetition_penalty = number("repetition_penalty", Limits::kRepetitionMin, Limits::kRepetitionMax);
  defaults.presence_penalty = number("presence_penalty", -Limits::kPenalty, Limits::kPenalty);
  defaults.frequency_penalty = number("frequency_penalty", -Limits::kPenalty, Limits::kPenalty);
  return defaults;
}

SamplingOptions with_defaults(const GenerationDefaults& defaults) {
  SamplingOptions options;
  options.temperature = defaults.temperature.value_or(options.temperature);
  options.top_k = defaults.top_k.value_or(options.top_k);
  options.top_p = defaults.top_p.value_or(options.top_p);
  options.min_p = defaults.min_p.value_or(options.min_p);
  options.repetition_penalty = defaults.repetition_penalty.value_or(options.repetition_penalty);
  options.presence_penalty = defaults.presence_penalty.value_or(options.presence_penalty);
  options.frequency_penalty = defaults.frequency_penalty.value_or(options.frequency_penalty);
  if (defaults.do_sample == false) options.temperature = 0;
  return options;
}

}  // namespace moebius::internal
