// `moebius quantize`: reads a checkpoint and writes the same model in MLX layout with fewer bits.
#include "convert/quantize.h"

#include <memory>

#include "base/thread_pool.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "moebius/limits.h"

namespace moebius::internal::apps {
namespace {

void run_quantize(QuantizeOptions options, const std::string& source, const std::string& out) {
  if (options.threads == 0) options.threads = default_thread_count();
  Progress progress("quantizing", 0);
  options.progress = [&](uint64_t done, uint64_t total) {
    progress.update(done, total);
    throw_if_interrupted();
  };
  const QuantizeReport report = quantize(source, out, options);
  progress.finish();
  for (const std::string& name : report.left_over) note("left out, not part of an MTP head: {}\n", name);
  note("wrote {}: {} from {}, {:.2f} bits a weight, in {:.1f} s\n", out, human_bytes(report.written_bytes),
       human_bytes(report.source_bytes), report.bits_per_weight, progress.seconds());
}

}  // namespace

void add_quantize(CLI::App& app) {
  struct State {
    QuantizeOptions options;
    std::string source, out;
  };
  auto state = std::make_shared<State>();
  state->options.threads = 0;
  QuantizeOptions& options = state->options;
  CLI::App& command = *app.add_subcommand("quantize", "Convert a checkpoint to MLX layout with fewer bits");
  command.footer(
      "moebius quantize Qwen3.5-35B-A3B Qwen3.5-35B-A3B-3bit --bits 3\n"
      "moebius quantize Qwen3.5-35B-A3B-8bit Qwen3.5-35B-A3B-4bit --bits 4 --group-size 32");
  add_checkpoint(command, "SRC", state->source, "A checkpoint in Hugging Face or MLX layout, or its name in the cache")
      ->required();
  command.add_option("OUT", state->out, "The directory to make; must not exist")->required();
  command.add_option("--bits", options.bits, "Bits of a weight: 2, 3, 4, 5, 6 or 8; required")
      ->type_name("B")
      ->check(CLI::IsMember({2, 3, 4, 5, 6, 8}).description(""))
      ->required();
  command.add_option("--group-size", options.group, "Inputs that share a scale: 32, 64 or 128")
      ->type_name("G")
      ->check(CLI::IsMember({32, 64, 128}).description(""))
      ->capture_default_str();
  command.add_option("--router-bits", options.router_bits, "Bits of router and shared-expert gate, in groups of 64")
      ->type_name("B")
      ->check(CLI::IsMember({2, 3, 4, 5, 6, 8}).description(""))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads; 0: physical cores within affinity and quota")
      ->type_name("N")
      ->check(CLI::Range(0, kMaxThreads).description(""))
      ->capture_default_str();
  command.callback([state] { run_quantize(state->options, state->source, state->out); });
}

}  // namespace moebius::internal::apps
