// See engine_flags.h.
#include "engine_flags.h"

#include "speculate/speculation_mode.h"

namespace moebius::apps {
namespace {

constexpr const char* kGroup = "Engine";
constexpr double kBytesPerGb = 1e9;
constexpr double kMostGb = 1e6;

}  // namespace

EngineOptions answering_options(int64_t max_rows) {
  EngineOptions options;
  options.max_rows = max_rows;
  options.max_streams = 1;
  return options;
}

void add_engine_flags(CLI::App& command, EngineOptions& options) {
  command.add_option("--speculate", options.speculate, "Who drafts, and how many tokens; the answer stays the same")
      ->type_name("none|auto|mtp[:N]|ngram[:N]")
      ->group(kGroup)
      ->capture_default_str();
  command
      .add_option_function<double>(
          "--memory", [&options](double gb) { options.memory_bytes = static_cast<int64_t>(gb * kBytesPerGb); },
          "Caches of keys, values and states [a quarter of what is free]")
      ->type_name("GB")
      ->check(CLI::Range(0.0, kMostGb).description(""))
      ->group(kGroup);
  command
      .add_flag_callback(
          "--no-prefix-cache", [&options] { options.prefix_cache = false; }, "Compute all of every prompt")
      ->group(kGroup);
}

void prepare_speculation(EngineOptions& options) {
  const SpeculationMode mode = parse_speculation_mode(options.speculate);
  if (!mode.mtp) options.mtp = "";
  if (mode.off()) options.draft_rows = 0;
}

}  // namespace moebius::apps
