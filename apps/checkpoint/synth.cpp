// `moebius synth`: writes a random checkpoint of a published shape. It serves to measure this machine before anything
// is downloaded.
#include "convert/synth.h"

#include <memory>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "convert/presets.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

void run_synth(SynthOptions options, const std::string& out) {
  Progress progress("writing", 0);
  options.progress = [&](uint64_t done, uint64_t total) {
    progress.update(done, total);
    throw_if_interrupted();
  };
  const uint64_t bytes = synthesize(options, out);
  progress.finish();
  note("wrote {}: {} of random weights in {:.1f} s\n", out, human_bytes(bytes), progress.seconds());
}

}  // namespace

void add_synth(CLI::App& app) {
  struct State {
    SynthOptions options;
    std::string mode = std::string(name(QuantMode::kAffine));
    std::string out;
  };
  auto state = std::make_shared<State>();
  SynthOptions& options = state->options;
  CLI::App& command = *app.add_subcommand("synth", "Write a random checkpoint of a published shape");
  command.footer(
      "moebius synth --preset qwen3.5-35b-a3b --layers 4 --bits 3 small\n"
      "moebius synth --preset tiny --bits 16 tiny-hf");
  command.add_option("OUT", state->out, "The directory to make; must not exist")->required();
  command.add_option("--preset", options.preset, "The shape, required: " + preset_list())
      ->type_name("NAME")
      ->required();
  command.add_option("--layers", options.layers, "Only this many layers [as published]")->type_name("N");
  const CLI::Option* bits =
      command.add_option("--bits", options.bits, "2, 3, 4, 5, 6, 8: MLX layout; 16: Hugging Face layout, bf16")
          ->type_name("B")
          ->check(CLI::IsMember({2, 3, 4, 5, 6, 8, 16}).description(""))
          ->capture_default_str();
  const CLI::Option* group =
      command.add_option("--group-size", options.group, "Inputs that share a scale: 32, 64 or 128")
          ->type_name("G")
          ->check(CLI::IsMember({32, 64, 128}).description(""))
          ->capture_default_str();
  command.add_option("--mode", state->mode, "MLX's mode of quantization")
      ->type_name("affine|mxfp4")
      ->check(CLI::IsMember({"affine", "mxfp4"}).description(""))
      ->capture_default_str();
  command.add_flag("--mtp", options.mtp, "With a draft head, which is as random as the rest");
  command.add_option("--seed", options.seed, "Other weights of the same shape")->type_name("N")->capture_default_str();
  command.callback([state, bits, group] {
    const bool mxfp4 = state->mode == name(QuantMode::kMxfp4);
    if (mxfp4 && bits->count() + group->count() > 0) {
      throw Error(ErrorCode::kUsage, "--mode mxfp4", "has 4 bits in groups of 32", "leave out --bits and --group-size");
    }
    if (mxfp4) state->options.mode = QuantMode::kMxfp4;
    run_synth(state->options, state->out);
  });
}

}  // namespace moebius::internal::apps
