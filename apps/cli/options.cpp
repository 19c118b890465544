// See cli/options.h.
#include "cli/options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/model_location.h"
#include "load/make_backend.h"
#include "moebius/error.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal::apps {
namespace {

constexpr int64_t kMaxContext = int64_t{1} << 30;
constexpr double kBytesPerGb = 1e9;
constexpr double kMaxGb = 1e6;
constexpr const char* kGroup = "Common options";

// One of a few words; the help page shows the words as the type.
CLI::Option* add_choice(CLI::App& command, const std::string& flag, std::string& value, const std::string& about,
                        const std::string& words) {
  const auto choices = CLI::detail::split(words, '|');
  return command.add_option(flag, value, about)
      ->type_name(words)
      ->check(CLI::IsMember(choices).description(""))
      ->group(kGroup);
}

// Where packed weights go when the checkpoint's own folder cannot be written to; empty when nobody says.
std::string user_cache_directory() {
  const auto folder = [](const char* variable, const char* below) -> std::string {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): before any thread starts
    return value != nullptr && *value == '/' ? std::string(value) + below : "";
  };
  const std::string cache = folder("XDG_CACHE_HOME", "/moebius");
  return cache.empty() ? folder("HOME", "/.cache/moebius") : cache;
}

}  // namespace

EngineOptions answering_options(int64_t max_rows) {
  EngineOptions engine;
  engine.max_rows = max_rows;
  engine.max_sequences = 1;
  return engine;
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  EngineOptions& engine = options.engine;
  add_choice(command, "--backend", engine.backend, "What runs the model",
             fmt::format("{}", fmt::join(backend_names(), "|")))
      ->capture_default_str();
  add_choice(command, "--isa", engine.isa, "Instruction set [the best there is]", "portable|avx2|avx512");
  command.add_option("--threads", engine.threads, "0: physical cores within affinity and quota")
      ->type_name("N")
      ->check(CLI::Range(0, kMaxThreads).description(""))
      ->group(kGroup)
      ->capture_default_str();
  add_choice(command, "--kv", engine.kv, "Keys and values in the cache", "f32|f16")->capture_default_str();
  add_choice(command, "--activations", engine.activations, "Inputs of quantized matmuls; f32: reference only",
             "int8|f32")
      ->capture_default_str();
  command.add_option("--ctx", engine.context, "Most tokens of a sequence")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxContext).description(""))
      ->group(kGroup)
      ->capture_default_str();
  add_choice(command, "--packed", engine.packed,
             "Packed weights on disk, for a fast start: use and renew, make, or off", "off|auto|make")
      ->capture_default_str();
  command.add_flag("--verify", engine.verify_packed, "Compare the checksums of packed weights first")->group(kGroup);
  engine.cache_directory = user_cache_directory();
  command.add_flag("--json", options.json, "Results as JSON on stdout")->group(kGroup);
  command.add_flag("-v,--verbose", options.verbose, "Say more on stderr")->group(kGroup);
}

void add_experts_option(CLI::App& command, CommonOptions& options) {
  add_choice(command, "--experts", options.engine.experts, "Way through the experts: same bits, other speed",
             "unfused|concat|fused")
      ->capture_default_str();
}

void add_speculation_option(CLI::App& command, CommonOptions& options) {
  command.add_option("--speculate", options.engine.speculate, "Who drafts; with :N, N tokens a step. The same answer")
      ->type_name("none|auto|mtp|ngram")
      ->group(kGroup)
      ->capture_default_str();
}

void add_cache_options(CLI::App& command, CommonOptions& options) {
  EngineOptions& engine = options.engine;
  const auto set_memory = [&engine](double gb) { engine.memory_bytes = static_cast<int64_t>(gb * kBytesPerGb); };
  command.add_option_function<double>("--memory", set_memory, "Keys, values and states [a quarter of what is free]")
      ->type_name("GB")
      ->check(CLI::Range(0.0, kMaxGb).description(""))
      ->group(kGroup);
  const auto switch_off = [&engine] { engine.prefix_cache = false; };
  command.add_flag_callback("--no-prefix-cache", switch_off, "Compute all of every prompt")->group(kGroup);
}

void add_directory(CLI::App& command, std::string& directory) {
  command.add_option("DIR", directory, "Checkpoint: a directory, or the name of a model in the Hugging Face cache")
      ->transform(CLI::Validator(
          [](std::string& name) {
            name = locate_model(name);
            return std::string();
          },
          ""))
      ->required();
}

void prepare_speculation(EngineOptions& engine) {
  const SpeculationMode mode = parse_speculation_mode(engine.speculate);
  if (!mode.mtp) engine.mtp = "";
  if (mode.off()) engine.draft_rows = 0;
}

void check_common_options(const CommonOptions& options) {
  if (options.engine.activations == "f32" && options.engine.backend != "reference") {
    throw Error(ErrorCode::kUsage, "--activations f32",
                fmt::format("only the reference backend computes so, not {}", options.engine.backend),
                "add --backend reference, or leave --activations out");
  }
}

}  // namespace moebius::internal::apps
