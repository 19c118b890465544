// `moebius logits`: writes the logits of every position of a given sequence to a safetensors file. On request it also
// writes the residual stream after each layer. Other implementations are compared with these files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "checkpoint/safetensors.h"
#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/tokens.h"
#include "load/options.h"
#include "model/non_finite.h"
#include "model/stepper.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr int64_t kMaxChunk = 4096;

struct LogitsOptions {
  CommonOptions common;
  std::string directory;
  std::string tokens;
  std::string out;
  std::string trace;
  bool mtp = false;
  int64_t chunk = kMaxLogitRows;
};

// The residual streams [T, D] after each layer, gathered over the steps of a run.
class Trace {
 public:
  Trace(const ModelConfig& config, int64_t tokens)
      : dim_(config.dim),
        tokens_(tokens),
        layers_(static_cast<size_t>(config.layers), std::vector<float>(static_cast<size_t>(tokens * config.dim))) {}

  LayerObserver observer(Memory& memory, int64_t position) {
    return [this, &memory, position](int64_t layer, Tensor residual) {
      memory.read(layers_[static_cast<size_t>(layer)].data() + position * dim_, residual);
    };
  }

  void write(const std::string& path) const {
    std::vector<SafetensorsWriter::Declaration> declared;
    for (size_t i = 0; i < layers_.size(); ++i) {
      declared.push_back({fmt::format("layer.{}", i), DType::kF32, {tokens_, dim_}});
    }
    OutputFile file(path);
    SafetensorsWriter writer(file.path(), declared);
    for (const std::vector<float>& layer : layers_) writer.write(std::as_bytes(std::span(layer)));
    writer.finish();
    file.commit();
  }

 private:
  int64_t dim_;
  int64_t tokens_;
  std::vector<std::vector<float>> layers_;
};

// Runs the sequence in steps of `chunk` tokens and hands out the logits in order. A step returns at most kMaxLogitRows
// rows of logits. A longer step is therefore run again, after a replay of the sequence from its start, for each further
// window of rows. This is slow, but every row really comes from one step of `chunk` tokens.
class LogitsRun {
 public:
  LogitsRun(const ReadyModel& model, const std::vector<int32_t>& tokens, int64_t chunk, Trace* trace)
      : model_(model), stepper_(model.model(), model.backend()), tokens_(tokens), chunk_(chunk), trace_(trace) {}

  // Hands out the logits of the draft head: one row less than there are tokens. This needs a LogitsRun of its own.
  template <typename Sink>
  void run_mtp(const Sink& sink) {
    const auto total = static_cast<int64_t>(tokens_.size());
    for (int64_t begin = 0; begin + 1 < total; begin += chunk_) {
      step(begin, std::min(chunk_, total - begin), {});
      const int64_t guesses = std::min(chunk_, total - begin - 1);
      const auto next = std::span(tokens_).subspan(static_cast<size_t>(begin + 1), static_cast<size_t>(guesses));
      sink(stepper_.step_draft_head(next));
    }
  }

  template <typename Sink>
  void run(const Sink& sink) {
    const auto total = static_cast<int64_t>(tokens_.size());
    for (int64_t begin = 0; begin < total; begin += chunk_) {
      const int64_t rows = std::min(chunk_, total - begin);
      for (int64_t first = 0; first < rows; first += kMaxLogitRows) {
        if (first > 0) replay(begin);
        sink(step(begin, rows, {first, std::min(kMaxLogitRows, rows - first)}));
      }
    }
  }

 private:
  void replay(int64_t end) {
    stepper_.reset();
    for (int64_t begin = 0; begin < end; begin += chunk_) step(begin, std::min(chunk_, end - begin), {});
  }

  std::vector<float> step(int64_t begin, int64_t rows, LogitRows wanted) {
    const auto part = std::span(tokens_).subspan(static_cast<size_t>(begin), static_cast<size_t>(rows));
    const LayerObserver observer =
        trace_ == nullptr ? LayerObserver() : trace_->observer(model_.backend().memory(), begin);
    return stepper_.step(part, wanted, observer);
  }

  const ReadyModel& model_;
  Stepper stepper_;
  const std::vector<int32_t>& tokens_;
  int64_t chunk_;
  Trace* trace_;
};

// Writes `logits` [T, V] and `tokens` [T], and with a draft head also `mtp_logits` [T - 1, V]. Returns the number of
// logits that are not finite.
int64_t write_logits(const ReadyModel& model, const std::vector<int32_t>& tokens, const LogitsOptions& options,
                     Trace* trace) {
  const auto count = static_cast<int64_t>(tokens.size());
  const int64_t vocab = model.model().config().vocab;
  const int64_t guesses = options.mtp ? count - 1 : 0;
  std::vector<SafetensorsWriter::Declaration> declared = {{"logits", DType::kF32, {count, vocab}}};
  if (options.mtp) declared.push_back({"mtp_logits", DType::kF32, {guesses, vocab}});
  declared.push_back({"tokens", DType::kI32, {count}});
  OutputFile file(options.out);
  SafetensorsWriter writer(file.path(), declared);
  Progress progress("computing", static_cast<uint64_t>((count + guesses) * vocab) * sizeof(float));
  uint64_t done_bytes = 0;
  int64_t bad = 0;
  const auto sink = [&](std::span<const float> logits) {
    bad += std::ranges::count_if(logits, [](float x) { return !std::isfinite(x); });
    writer.write(std::as_bytes(logits));
    progress.update(done_bytes += logits.size_bytes());
  };
  LogitsRun(model, tokens, options.chunk, trace).run(sink);
  if (options.mtp) LogitsRun(model, tokens, options.chunk, nullptr).run_mtp(sink);
  progress.finish();
  writer.write(std::as_bytes(std::span(tokens)));
  writer.finish();
  file.commit();
  return bad;
}

// Throws kUsage for ids outside the vocabulary, and for more ids than the context holds.
void check_tokens(const ReadyModel& model, std::span<const int32_t> tokens) {
  const int64_t vocab = model.model().config().vocab;
  const auto bad = std::ranges::find_if(tokens, [&](int32_t id) { return id >= vocab; });
  if (bad != tokens.end()) {
    throw Error(ErrorCode::kUsage, "--tokens", fmt::format("expected ids from 0 to {}, got {}", vocab - 1, *bad));
  }
  const int64_t context = model.model().options().context;
  if (static_cast<int64_t>(tokens.size()) > context) {
    throw Error(ErrorCode::kUsage, "--tokens",
                fmt::format("{} tokens exceed the context of {}", tokens.size(), context),
                "give a larger --ctx, or fewer tokens");
  }
}

[[noreturn]] void throw_non_finite(const ReadyModel& model, std::span<const int32_t> tokens,
                                   const LogitsOptions& options, int64_t bad) {
  const std::string place = find_non_finite(model.model(), model.backend(), tokens);
  throw Error(ErrorCode::kNonFinite, options.out,
              fmt::format("written, but {} logits are not finite; first seen in {}", bad, place),
              "`moebius doctor DIR --scan` looks for tensors with values that are not finite");
}

void run_logits(const LogitsOptions& options) {
  const std::vector<int32_t> tokens = parse_tokens(options.tokens);
  CommonOptions common = options.common;
  common.engine.limits.max_rows = options.chunk;
  DraftOptions& drafts = common.engine.drafts;
  if (options.mtp) drafts.head = drafts.head_directory.empty() ? DraftHeadUse::kBundled : DraftHeadUse::kDirectory;
  if (options.mtp && options.chunk > kMaxLogitRows) {
    throw Error(ErrorCode::kUsage, "--chunk", fmt::format("expected at most {} with --mtp", kMaxLogitRows));
  }
  const ReadyModel model = load_model(Checkpoint(options.directory), common);
  check_tokens(model, tokens);
  std::optional<Trace> trace;
  if (!options.trace.empty()) trace.emplace(model.model().config(), static_cast<int64_t>(tokens.size()));
  const int64_t bad = write_logits(model, tokens, options, trace ? &*trace : nullptr);
  if (trace) trace->write(options.trace);
  if (bad > 0) throw_non_finite(model, tokens, options, bad);
  const int64_t vocab = model.model().config().vocab;
  if (options.common.json) {
    write_json({{"out", options.out}, {"tokens", tokens.size()}, {"vocab", vocab}});
  } else {
    note("wrote {}: logits [{}, {}]\n", options.out, tokens.size(), vocab);
  }
}

}  // namespace

void add_logits(CLI::App& app) {
  auto options = std::make_shared<LogitsOptions>();
  CLI::App& command = *app.add_subcommand("logits", "Write the logits of every position of a sequence to a file");
  command.footer(
      "moebius logits Qwen3.5-35B-A3B-3bit --tokens 1,2,3 --out logits.safetensors\n"
      "moebius logits Qwen3.5-35B-A3B-3bit --tokens @ids.txt --out l.safetensors --trace layers.safetensors\n"
      "moebius logits Qwen3.5-35B-A3B-3bit --tokens 1,2,3 --out l.safetensors --mtp Qwen3.5-35B-A3B-MTP");
  add_directory(command, options->directory);
  command.add_option("--tokens", options->tokens, "Token ids, or a file of them; required")
      ->type_name("1,2,3|@FILE")
      ->required();
  command.add_option("--out", options->out, "f32 `logits` [T, V], i32 `tokens` [T]; replaced if it is there; required")
      ->type_name("FILE")
      ->required();
  command.add_option("--chunk", options->chunk, "Tokens of a step; the bits do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxChunk).description(""))
      ->capture_default_str();
  CLI::Option* mtp =
      command.add_option("--mtp", options->common.engine.drafts.head_directory,
                         "Also `mtp_logits` [T - 1, V] of the draft head: the checkpoint's, or that of DIR");
  mtp->type_name("[DIR]")->expected(0, 1);
  command.add_option("--trace", options->trace, "The residual stream after each layer: f32 `layer.N` [T, D]")
      ->type_name("FILE");
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options, mtp] {
    options->mtp = mtp->count() > 0;
    run_logits(*options);
  });
}

}  // namespace moebius::internal::apps
