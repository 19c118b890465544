// `moebius inspect`: shows what a checkpoint is and how much memory it will take. It reads config.json and the headers
// of the tensor files, and no weights.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "checkpoint/census.h"
#include "checkpoint/model_dir.h"
#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "load/available_memory.h"
#include "load/option_words.h"
#include "load/options.h"
#include "model/model.h"

namespace moebius::internal::apps {
namespace {

struct InspectOptions {
  CommonOptions common;
  std::string directory;
  std::string filter;
  bool list_tensors = false;  // --tensors was given
};

struct Inspection {
  std::string name;
  ModelConfig config;
  Census census;
  MemoryPlan plan;
  int64_t context = 0;
  uint64_t kv_bytes_per_token = 0;
  std::string kv;
};

std::string shape_text(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::string human_count(uint64_t count) {
  const auto value = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f} B", value / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.2f} M", value / 1e6);
  return fmt::format("{}", count);
}

Inspection inspect(const Checkpoint& checkpoint, const InspectOptions& options) {
  Inspection result;
  result.name = model_name(options.directory);
  result.config = checkpoint.config;
  result.census = take_census(checkpoint.files, result.config);
  const ModelOptions model =
      resolved_options(checkpoint, model_options(options.common.engine), available_memory_bytes());
  result.plan = plan_memory(checkpoint, model);
  result.context = model.context;
  const int64_t page_bytes = make_state_spec(result.config, model).page_bytes();
  result.kv_bytes_per_token = static_cast<uint64_t>(page_bytes / kPagePositions + result.config.rotary_dim * 4);
  result.kv = word(options.common.engine.cache.kv);
  return result;
}

void print_fact(std::string_view label, const std::string& value) { print("  {:<18}{}\n", label, value); }

std::string rotary_text(const ModelConfig& c) {
  const std::string extended =
      c.yarn ? fmt::format(" (YaRN, {:g} times {})", c.yarn->factor, c.yarn->original_positions) : "";
  return fmt::format("{} rotary{}", c.rotary_dim, extended);
}

void print_mlps(const ModelConfig& c) {
  if (const int64_t dense = c.count(MlpKind::kDense); dense > 0) {
    print_fact("dense MLP", fmt::format("width {} in {} layers", c.dense_width, dense));
  }
  if (const int64_t routed = c.count(MlpKind::kMoe); routed > 0) {
    print_fact("experts", fmt::format("{} of width {} in {} layers, {} per token{}{}", c.experts, c.expert_width,
                                      routed, c.top_k, c.renormalize ? "" : " (weights not renormalised)",
                                      c.shared_width > 0 ? fmt::format(", shared one of {}", c.shared_width) : ""));
  }
}

void print_architecture(const Inspection& r) {
  const ModelConfig& c = r.config;
  const Census& census = r.census;
  print("{}: {}\n", r.name, c.model_type);
  print_fact("parameters", fmt::format("{}, {} active per token", human_count(census.parameters),
                                       human_count(census.active_parameters)));
  print_fact("weights", fmt::format("{} in {} file{}, {:.2f} bits per weight", human_bytes(census.bytes), census.files,
                                    census.files == 1 ? "" : "s", census.bits_per_weight()));
  if (census.draft_bytes > 0) {
    print_fact("draft head", fmt::format("{} parameters, {} (mtp)", human_count(census.draft_parameters),
                                         human_bytes(census.draft_bytes)));
  }
  print_fact("layers", fmt::format("{}: {} linear attention, {} full attention", c.layers,
                                   c.count(LayerKind::kLinearAttention), c.count(LayerKind::kFullAttention)));
  print_fact("width", fmt::format("{}, vocabulary {}{}, {} positions", c.dim, c.vocab,
                                  c.tied_embeddings ? " (tied)" : "", c.max_positions));
  print_fact("full attention", fmt::format("{} heads of {}, {} for keys and values, {}{}", c.heads, c.head_dim,
                                           c.kv_heads, rotary_text(c), c.attention_gate ? ", gated" : ""));
  if (c.count(LayerKind::kLinearAttention) > 0) {
    print_fact("linear attention",
               fmt::format("{} key heads of {}, {} value heads of {}, convolution over {}", c.key_heads, c.key_head_dim,
                           c.value_heads, c.value_head_dim, c.conv_kernel));
  }
  print_mlps(c);
  for (const auto& [form, layers] : census.expert_forms) {
    print_fact("expert form", fmt::format("{} in {} layers", form, layers));
  }
}

void print_memory(const Inspection& r) {
  print("\nmemory at --ctx {} --kv {}\n", r.context, r.kv);
  print_fact("weights", human_bytes(r.plan.weight_bytes));
  print_fact("keys and values",
             fmt::format("{} ({} per token)", human_bytes(r.plan.kv_bytes), human_bytes(r.kv_bytes_per_token)));
  print_fact("recurrent state", human_bytes(r.plan.recurrent_bytes));
  print_fact("work", human_bytes(r.plan.workspace_bytes));
  std::string total = human_bytes(r.plan.total());
  if (const auto available = available_memory_bytes()) {
    total += fmt::format(", {} available here: {}", human_bytes(*available),
                         r.plan.total() <= *available ? "fits" : "does not fit");
  }
  print_fact("total", total);
}

void print_modules(const Inspection& r) {
  size_t width = 0;
  size_t format_width = 0;
  for (const ModuleGroup& m : r.census.modules) {
    width = std::max(width, m.pattern.size());
    format_width = std::max(format_width, m.format.size());
  }
  print("\ntensors, alike ones together (--tensors TEXT lists those with TEXT in their name)\n");
  for (const ModuleGroup& m : r.census.modules) {
    print("  {:<{}}  {:>6} x {:<{}}  {:>9}  {}\n", m.pattern, width, m.count, m.format, format_width,
          human_bytes(m.bytes), shape_text(m.shape));
  }
}

template <typename Visit>
void visit_tensors(const ModelDir& files, const std::string& filter, const Visit& visit) {
  for (const auto& [name, entry] : files.tensors()) {
    if (name.find(filter) != std::string::npos) visit(name, entry);
  }
}

void print_tensors(const ModelDir& files, const std::string& filter) {
  size_t width = 0;
  visit_tensors(files, filter, [&](const std::string& name, const auto&) { width = std::max(width, name.size()); });
  visit_tensors(files, filter, [&](const std::string& name, const ModelDir::Entry& entry) {
    print("{:<{}}  {:<5} {:>10}  {}\n", name, width, entry.info.dtype_name, human_bytes(entry.info.bytes),
          shape_text(entry.info.shape));
  });
}

Json memory_json(const Inspection& r) {
  return {{"context", r.context},
          {"kv", r.kv},
          {"weight_bytes", r.plan.weight_bytes},
          {"kv_bytes", r.plan.kv_bytes},
          {"kv_bytes_per_token", r.kv_bytes_per_token},
          {"recurrent_bytes", r.plan.recurrent_bytes},
          {"workspace_bytes", r.plan.workspace_bytes},
          {"total_bytes", r.plan.total()},
          {"available_bytes", available_memory_bytes().value_or(0)}};
}

Json modules_json(const Inspection& r) {
  Json modules = Json::array();
  for (const ModuleGroup& m : r.census.modules) {
    modules.push_back({{"pattern", m.pattern},
                       {"count", m.count},
                       {"format", m.format},
                       {"shape", m.shape},
                       {"parameters", m.parameters},
                       {"bytes", m.bytes}});
  }
  return modules;
}

Json architecture_json(const Inspection& r) {
  const ModelConfig& c = r.config;
  return {{"name", r.name},
          {"model_type", c.model_type},
          {"parameters", r.census.parameters},
          {"active_parameters", r.census.active_parameters},
          {"weight_bytes", r.census.bytes},
          {"bits_per_weight", rounded(r.census.bits_per_weight())},
          {"draft_parameters", r.census.draft_parameters},
          {"draft_bytes", r.census.draft_bytes},
          {"files", r.census.files},
          {"layers", c.layers},
          {"linear_attention_layers", c.count(LayerKind::kLinearAttention)},
          {"full_attention_layers", c.count(LayerKind::kFullAttention)},
          {"dim", c.dim},
          {"vocab", c.vocab},
          {"max_positions", c.max_positions},
          {"dense_layers", c.count(MlpKind::kDense)},
          {"dense_width", c.dense_width},
          {"experts", c.experts},
          {"top_k", c.top_k},
          {"expert_width", c.expert_width},
          {"shared_width", c.shared_width},
          {"expert_forms", r.census.expert_forms}};
}

void print_json(const ModelDir& files, const Inspection& r, const InspectOptions& options) {
  Json root = architecture_json(r);
  root["memory"] = memory_json(r);
  root["modules"] = modules_json(r);
  if (options.list_tensors) {
    root["tensors"] = Json::array();
    visit_tensors(files, options.filter, [&](const std::string& name, const ModelDir::Entry& entry) {
      root["tensors"].push_back({{"name", name},
                                 {"dtype", entry.info.dtype_name},
                                 {"shape", entry.info.shape},
                                 {"bytes", entry.info.bytes},
                                 {"where", files.where(entry)}});
    });
  }
  write_json(root);
}

void run_inspect(const InspectOptions& options) {
  const Checkpoint checkpoint(options.directory);
  const Inspection result = inspect(checkpoint, options);
  if (options.common.json) {
    print_json(checkpoint.files, result, options);
  } else if (options.list_tensors) {
    print_tensors(checkpoint.files, options.filter);
  } else {
    print_architecture(result);
    print_memory(result);
    print_modules(result);
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& command =
      *app.add_subcommand("inspect", "Show what a checkpoint is and what it will take; reads no weights");
  command.footer(
      "moebius inspect Qwen3.5-35B-A3B-3bit --ctx 32768\n"
      "moebius inspect Qwen3.5-35B-A3B-3bit --tensors layers.0.mlp");
  add_directory(command, options->directory);
  CLI::Option* tensors =
      command.add_option("--tensors", options->filter, "List the tensors with TEXT in their name, one by one")
          ->type_name("TEXT");
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options, tensors] {
    options->list_tensors = tensors->count() > 0;
    run_inspect(*options);
  });
}

}  // namespace moebius::internal::apps
