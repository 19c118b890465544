// See cli/options.h.
#include "cli/options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/model_location.h"
#include "load/option_words.h"
#include "moebius/error.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal::apps {
namespace {

constexpr double kBytesPerGb = 1e9;
constexpr double kMaxGb = 1e6;
constexpr const char* kGroup = "Common options";

// Adds an option that takes one word of an enumeration. The help page shows the words as its type.
template <typename Enum>
CLI::Option* add_choice(CLI::App& command, const std::string& flag, const std::string& about,
                        const std::function<void(Enum)>& set) {
  const std::vector<std::string> choices = option_texts<Enum>();
  const auto set_word = [set, flag](const std::string& text) { set(parse_word<Enum>(flag, text)); };
  return command.add_option_function<std::string>(flag, set_word, about)
      ->type_name(fmt::format("{}", fmt::join(choices, "|")))
      ->check(CLI::IsMember(choices).description(""))
      ->group(kGroup);
}

// Adds an option that takes one word of an enumeration and writes it to `value`. The help page shows the present
// content of `value` as the default.
template <typename Enum>
void add_choice(CLI::App& command, const std::string& flag, const std::string& about, Enum& value) {
  const std::function<void(Enum)> set = [&value](Enum chosen) { value = chosen; };
  add_choice(command, flag, about, set)->default_str(std::string(word(value)));
}

// Returns the folder for packed weights of checkpoints whose own folder cannot be written to. Returns "" when no
// variable says where it is.
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
  engine.limits.max_rows = max_rows;
  engine.limits.max_sequences = 1;
  return engine;
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  EngineOptions& engine = options.engine;
  ComputeOptions& compute = engine.compute;
  add_choice(command, "--backend", "What runs the model", compute.backend);
  add_choice<InstructionSet>(command, "--isa", "Instruction set [the best there is]",
                             [&compute](InstructionSet isa) { compute.instruction_set = isa; });
  command.add_option("--threads", compute.threads, "Threads; 0: physical cores within affinity and quota")
      ->type_name("N")
      ->check(CLI::Range(0, kMaxThreads).description(""))
      ->group(kGroup)
      ->capture_default_str();
  add_choice(command, "--kv", "Keys and values in the cache", engine.cache.kv);
  add_choice(command, "--activations", "Inputs of quantized matmuls; f32: reference only", compute.activations);
  command.add_option("--ctx", engine.limits.context, "Most tokens of a sequence")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxContext).description(""))
      ->group(kGroup)
      ->default_str(fmt::format("as the model and the memory allow; at most {}", kDefaultContext));
  add_choice(command, "--packed", "Packed weights on disk, for a fast start: use and renew, make, or off",
             engine.packed.use);
  command.add_flag("--verify", engine.packed.verify, "Compare the checksums of packed weights first")->group(kGroup);
  engine.packed.cache_directory = user_cache_directory();
  command.add_flag("--json", options.json, "Results as JSON on stdout")->group(kGroup);
  command.add_flag("-v,--verbose", options.verbose, "Say more on stderr")->group(kGroup);
}

void add_experts_option(CLI::App& command, CommonOptions& options) {
  add_choice(command, "--experts", "Way through the experts: same bits, other speed", options.engine.compute.experts);
}

void add_speculation_option(CLI::App& command, CommonOptions& options) {
  const auto set_mode = [&mode = options.engine.drafts.mode](const std::string& text) {
    mode = parse_speculation_mode(text);
  };
  command
      .add_option_function<std::string>("--speculate", set_mode,
                                        "Who drafts; with :N, N tokens a step. The same answer")
      ->type_name("none|auto|mtp|ngram")
      ->group(kGroup)
      ->default_str("auto");
}

void add_cache_options(CLI::App& command, CommonOptions& options) {
  EngineOptions& engine = options.engine;
  const auto set_memory = [&engine](double gb) { engine.cache.bytes = static_cast<int64_t>(gb * kBytesPerGb); };
  command
      .add_option_function<double>("--memory", set_memory, "For keys, values and states [a quarter of what is free]")
      ->type_name("GB")
      ->check(CLI::Range(0.0, kMaxGb).description(""))
      ->group(kGroup);
  const auto switch_off = [&engine] { engine.cache.keep_prefixes = false; };
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
  DraftOptions& drafts = engine.drafts;
  if (!drafts.mode.mtp) drafts.head = DraftHeadUse::kNone;
  if (drafts.mode.off()) drafts.max_rows = 0;
}

void check_common_options(const CommonOptions& options) {
  const ComputeOptions& compute = options.engine.compute;
  if (compute.activations == ActivationKind::kF32 && compute.backend != BackendKind::kReference) {
    throw Error(ErrorCode::kUsage, "--activations f32",
                fmt::format("only the reference backend computes so, not {}", word(compute.backend)),
                "add --backend reference, or leave --activations out");
  }
}

}  // namespace moebius::internal::apps
