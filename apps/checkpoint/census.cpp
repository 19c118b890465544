// See checkpoint/census.h.
#include "checkpoint/census.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

#include "quant/format.h"

namespace moebius::internal::apps {
namespace {

constexpr std::string_view kWeight = ".weight";

// "model.layers.12.mlp" -> "model.layers.*.mlp"
std::string pattern_of(std::string_view name) {
  std::string pattern;
  while (!name.empty()) {
    const size_t end = std::min(name.find('.'), name.size());
    const std::string_view part = name.substr(0, end);
    const bool number = part.find_first_not_of("0123456789") == std::string_view::npos && !part.empty();
    pattern += number ? "*" : part;
    if (end < name.size()) pattern += '.';
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return pattern;
}

struct Module {
  std::string name;
  std::string format;
  std::vector<int64_t> shape;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
};

uint64_t elements(const std::vector<int64_t>& shape) {
  uint64_t count = 1;
  for (const int64_t size : shape) count *= static_cast<uint64_t>(size);
  return count;
}

Module dense_module(const std::string& name, const TensorInfo& info) {
  return {name, info.dtype_name, info.shape, elements(info.shape), info.bytes};
}

Module quantized_module(const std::string& name, const ModelDir& directory, const QuantizationParams& params) {
  const TensorInfo& codes = directory.at(name + ".weight").info;
  const TensorInfo& scales = directory.at(name + ".scales").info;
  const ModelDir::Entry* biases = directory.find(name + ".biases");
  const QuantFormat format{params.bits, params.group, scales.dtype, params.mode};
  Module module{name, to_string(format), codes.shape, 0,
                codes.bytes + scales.bytes + (biases ? biases->info.bytes : 0)};
  if (!module.shape.empty()) module.shape.back() = module.shape.back() * 32 / params.bits;
  module.parameters = elements(module.shape);
  return module;
}

std::vector<Module> list_modules(const ModelDir& directory) {
  std::vector<Module> modules;
  for (const auto& [name, entry] : directory.tensors()) {
    const size_t dot = name.rfind('.');
    const std::string stem = name.substr(0, dot);
    const std::string_view last = std::string_view(name).substr(std::min(dot, name.size()));
    const bool quantized = directory.find(stem + ".scales") != nullptr;
    if (quantized && (last == ".scales" || last == ".biases")) continue;  // counted with their codes
    const auto params =
        quantized && last == kWeight ? directory.quantization().lookup(stem, Scales::kPresent) : std::nullopt;
    modules.push_back(params ? quantized_module(stem, directory, *params)
                             : dense_module(last == kWeight ? stem : name, entry.info));
  }
  return modules;
}

bool is_routed_expert(std::string_view name) {
  return name.find(".mlp.experts.") != std::string_view::npos ||
         name.find(".mlp.switch_mlp.") != std::string_view::npos;
}

std::string expert_form(const ModelDir& directory, int64_t layer) {
  const std::string mlp = fmt::format("model.layers.{}.mlp", layer);
  const auto has = [&](const char* name) { return directory.find(mlp + name) != nullptr; };
  if (has(".experts.gate_up_proj")) return "fused gate_up_proj";
  if (has(".switch_mlp.gate_proj.scales")) return "stacked switch_mlp, quantized";
  if (has(".switch_mlp.gate_proj.weight")) return "stacked switch_mlp";
  if (has(".experts.0.gate_proj.scales")) return "one tensor an expert, quantized";
  if (has(".experts.0.gate_proj.weight")) return "one tensor an expert";
  return "none";
}

std::vector<ModuleGroup> group(const std::vector<Module>& modules) {
  std::map<std::tuple<std::string, std::string, std::vector<int64_t>>, ModuleGroup> groups;
  for (const Module& module : modules) {
    const std::string pattern = pattern_of(module.name);
    ModuleGroup& g = groups[{pattern, module.format, module.shape}];
    g.pattern = pattern;
    g.format = module.format;
    g.shape = module.shape;
    g.count += 1;
    g.parameters += module.parameters;
    g.bytes += module.bytes;
  }
  std::vector<ModuleGroup> list;
  for (auto& [key, value] : groups) list.push_back(std::move(value));
  return list;
}

}  // namespace

double Census::bits_per_weight() const {
  return parameters == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(parameters);
}

Census take_census(const ModelDir& directory, const ModelConfig& config) {
  const std::vector<Module> modules = list_modules(directory);
  Census census;
  uint64_t routed = 0;
  for (const Module& module : modules) {
    const bool draft = module.name.starts_with("mtp.");
    (draft ? census.draft_parameters : census.parameters) += module.parameters;
    (draft ? census.draft_bytes : census.bytes) += module.bytes;
    if (!draft && is_routed_expert(module.name)) routed += module.parameters;
  }
  const auto experts = static_cast<uint64_t>(std::max<int64_t>(config.experts, 1));
  const auto idle = static_cast<uint64_t>(std::max<int64_t>(config.experts - config.top_k, 0));
  census.active_parameters = census.parameters - routed / experts * idle;
  std::set<int> files;
  for (const auto& [name, entry] : directory.tensors()) files.insert(entry.file);
  census.files = static_cast<int64_t>(files.size());
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    if (config.mlp_kinds[layer] == MlpKind::kMoe) census.expert_forms[expert_form(directory, layer)] += 1;
  }
  census.modules = group(modules);
  return census;
}

}  // namespace moebius::internal::apps
