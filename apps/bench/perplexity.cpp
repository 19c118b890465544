// `moebius perplexity`: measures how well a checkpoint predicts a text. On request it also measures how far other
// checkpoints, or the same checkpoint with other settings, are from the first one on that text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/logits_file.h"
#include "bench/next_token_stats.h"
#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/model_location.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text_input.h"
#include "dialogue/model_text.h"
#include "load/option_words.h"
#include "model/stepper.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr size_t kRowsAtOnce = 64;  // logits read in one piece

struct PerplexityOptions {
  CommonOptions common;
  std::string directory;
  std::string file;
  int64_t window = 512;
  int64_t max_tokens = 0;  // 0: all
  std::vector<std::string> against;
};

// A text cut into windows. The model sees each window alone, without the tokens before it. Every token of a window
// except the first is predicted.
struct Windows {
  std::vector<std::vector<int32_t>> tokens;
  uint64_t bytes = 0;  // bytes of the text in all windows

  [[nodiscard]] uint64_t predictions() const {
    uint64_t count = 0;
    for (const auto& window : tokens) count += window.size() - 1;
    return count;
  }
};

Windows cut(const std::string& text, const Tokenizer& tokenizer, const PerplexityOptions& options) {
  std::vector<int32_t> ids = tokenizer.encode(text);
  if (options.max_tokens > 0) ids.resize(std::min(ids.size(), static_cast<size_t>(options.max_tokens)));
  Windows windows;
  const auto length = static_cast<size_t>(options.window);
  for (size_t first = 0; first + 1 < ids.size(); first += length) {
    const auto begin = ids.begin() + static_cast<int64_t>(first);
    windows.tokens.emplace_back(begin, begin + static_cast<int64_t>(std::min(length, ids.size() - first)));
    windows.bytes += tokenizer.decode(windows.tokens.back()).size();
  }
  if (!windows.tokens.empty()) return windows;
  throw Error(ErrorCode::kUsage, options.file, fmt::format("has {} tokens", ids.size()), "give a text of at least two");
}

size_t vocab_of(const ReadyModel& model) { return static_cast<size_t>(model.model().config().vocab); }

// Calls score(logits [V], next token) for each prediction, in the order of the text.
template <typename Score>
void for_each_prediction(const ReadyModel& model, const Windows& windows, const Score& score) {
  const auto vocab = vocab_of(model);
  Progress progress("measuring", windows.predictions(), Progress::Unit::kTokens);
  uint64_t done = 0;
  for (const std::vector<int32_t>& window : windows.tokens) {
    Stepper stepper(model.model(), model.backend(), model.ready.name);
    for (size_t first = 0; first + 1 < window.size(); first += kRowsAtOnce) {
      const size_t count = std::min(kRowsAtOnce, window.size() - 1 - first);
      const std::vector<float> logits = stepper.append_all(std::span(window).subspan(first, count));
      for (size_t i = 0; i < count; ++i) score(std::span(logits).subspan(i * vocab, vocab), window[first + i + 1]);
      progress.update(done += count);
    }
  }
  progress.finish();
}

struct Perplexity {
  double value = 0;
  double error = 0;
  double bits_per_byte = 0;
};

Perplexity perplexity(std::span<const double> losses, const Windows& windows) {
  const Estimate loss = estimate(losses);
  const double total_bits = loss.mean * static_cast<double>(losses.size()) / std::log(2.0);
  return {std::exp(loss.mean), std::exp(loss.mean) * loss.standard_error,
          total_bits / static_cast<double>(windows.bytes)};
}

Json perplexity_json(const Perplexity& p) {
  return {{"perplexity", rounded(p.value)},
          {"perplexity_error", rounded(p.error)},
          {"bits_per_byte", rounded(p.bits_per_byte)}};
}

// One value of --against: another checkpoint, or the same one with other settings.
struct Rival {
  std::string label;
  std::string directory;
  CommonOptions common;
};

void set(EngineOptions& engine, const std::string& key, const std::string& value) {
  const std::string option = "--against " + key;
  if (key == "backend") {
    engine.compute.backend = parse_word<BackendKind>(option, value);
  } else if (key == "isa") {
    engine.compute.instruction_set = parse_word<InstructionSet>(option, value);
  } else if (key == "experts") {
    engine.compute.experts = parse_word<ExpertPath>(option, value);
  } else if (key == "kv") {
    engine.cache.kv = parse_word<KvType>(option, value);
  } else if (key == "activations") {
    engine.compute.activations = parse_word<ActivationKind>(option, value);
  } else {
    throw Error(ErrorCode::kUsage, option, "is no setting", "there are backend, isa, experts, kv and activations");
  }
}

Rival parse_rival(const std::string& text, const PerplexityOptions& options) {
  Rival rival{text, options.directory, options.common};
  if (text.find('=') == std::string::npos) {
    rival.directory = locate_model(text);
    return rival;
  }
  for (const std::string& setting : CLI::detail::split(text, ',')) {
    const size_t at = setting.find('=');
    set(rival.common.engine, setting.substr(0, at), at == std::string::npos ? "" : setting.substr(at + 1));
  }
  check_common_options(rival.common);
  return rival;
}

size_t likeliest(std::span<const float> logits) {
  return static_cast<size_t>(std::ranges::max_element(logits) - logits.begin());
}

struct Comparison {
  std::string label;
  Perplexity own;
  Estimate kl;
  double kl_median = 0, kl_p99 = 0, kl_max = 0;
  double same_top_percent = 0;
};

Comparison compare(const Rival& rival, const Windows& windows, LogitsFile& base) {
  const ReadyModel model = load_model(Checkpoint(rival.directory), rival.common);
  if (vocab_of(model) != base.vocab()) {
    throw Error(ErrorCode::kUsage, rival.directory,
                fmt::format("has a vocabulary of {}, not {}", vocab_of(model), base.vocab()),
                "only models with the same tokenizer can be compared");
  }
  std::vector<double> losses, divergences;
  uint64_t same_top = 0;
  base.rewind();
  std::vector<float> expected(base.vocab());
  for_each_prediction(model, windows, [&](std::span<const float> logits, int32_t next) {
    base.read(expected);
    const std::vector<double> log_q = log_softmax(logits);
    losses.push_back(-log_q[static_cast<size_t>(next)]);
    divergences.push_back(divergence(log_softmax(expected), log_q));
    same_top += likeliest(expected) == likeliest(logits) ? 1 : 0;
  });
  return {rival.label,
          perplexity(losses, windows),
          estimate(divergences),
          quantile(divergences, 0.5),
          quantile(divergences, 0.99),
          quantile(divergences, 1),
          100.0 * static_cast<double>(same_top) / static_cast<double>(losses.size())};
}

Json comparison_json(const Comparison& c) {
  Json json = {{"against", c.label}};
  json.update(perplexity_json(c.own));
  json.update({{"kl_mean", c.kl.mean},
               {"kl_error", c.kl.standard_error},
               {"kl_median", c.kl_median},
               {"kl_p99", c.kl_p99},
               {"kl_max", c.kl_max},
               {"same_top_percent", rounded(c.same_top_percent)}});
  return json;
}

struct Report {
  std::string model;
  const Windows* windows;
  Perplexity base;
  std::vector<Comparison> comparisons;
};

void print_report(const Report& r) {
  print("{}: perplexity {:.4f} +- {:.4f}, {:.4f} bits a byte ({} tokens predicted in {} windows)\n", r.model,
        r.base.value, r.base.error, r.base.bits_per_byte, r.windows->predictions(), r.windows->tokens.size());
  for (const Comparison& c : r.comparisons) {
    print(
        "{}: perplexity {:.4f} +- {:.4f}; KL {:.3g} +- {:.2g} nats, median {:.3g}, 99 % {:.3g}, most {:.3g}; "
        "same first choice {:.2f} %\n",
        c.label, c.own.value, c.own.error, c.kl.mean, c.kl.standard_error, c.kl_median, c.kl_p99, c.kl_max,
        c.same_top_percent);
  }
}

void write_report(const Report& r, int64_t window) {
  Json json = {{"model", r.model},
               {"tokens_predicted", r.windows->predictions()},
               {"windows", r.windows->tokens.size()},
               {"window", window},
               {"bytes", r.windows->bytes}};
  json.update(perplexity_json(r.base));
  json["comparisons"] = Json::array();
  for (const Comparison& c : r.comparisons) json["comparisons"].push_back(comparison_json(c));
  write_json(json);
}

void run_perplexity(PerplexityOptions options) {
  LimitOptions& limits = options.common.engine.limits;
  limits.context = options.window;
  limits.max_rows = std::min<int64_t>(limits.max_rows, options.window);
  std::vector<Rival> rivals;
  for (const std::string& text : options.against) rivals.push_back(parse_rival(text, options));
  const ModelText text = load_model_text(options.directory);
  const Windows windows = cut(read_input(options.file), text.tokenizer, options);

  std::vector<double> losses;
  std::unique_ptr<LogitsFile> base;  // null when there is nothing to compare
  {
    const ReadyModel model = load_model(Checkpoint(options.directory), options.common);
    if (!rivals.empty()) {
      base = std::make_unique<LogitsFile>(windows.predictions(), vocab_of(model));
    }
    for_each_prediction(model, windows, [&](std::span<const float> logits, int32_t next) {
      losses.push_back(-log_softmax(logits)[static_cast<size_t>(next)]);
      if (base) base->write(logits);
    });
  }  // unloads the first model: two models need not fit into memory together
  Report report{model_name(options.directory), &windows, perplexity(losses, windows), {}};
  for (const Rival& rival : rivals) report.comparisons.push_back(compare(rival, windows, *base));
  if (options.common.json) {
    write_report(report, options.window);
  } else {
    print_report(report);
  }
}

}  // namespace

void add_perplexity(CLI::App& app) {
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App& command = *app.add_subcommand("perplexity", "How well a model predicts a text, and how far others are off");
  command.footer(
      "moebius perplexity Qwen3.5-35B-A3B-3bit book.txt\n"
      "moebius perplexity Qwen3.5-35B-A3B-4bit book.txt --most-tokens 2048 --against Qwen3.5-35B-A3B-3bit\n"
      "moebius perplexity Qwen3.5-35B-A3B-3bit book.txt --against kv=f16 --against backend=reference,activations=f32");
  add_directory(command, options->directory);
  command.add_option("FILE", options->file, "The text, UTF-8; - for standard input")->required();
  command.add_option("--window", options->window, "Tokens that are seen together")
      ->type_name("N")
      ->check(CLI::Range(int64_t{2}, int64_t{1} << 20).description(""))
      ->capture_default_str();
  command.add_option("--most-tokens", options->max_tokens, "Stop there; 0: the whole text")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40).description(""))
      ->capture_default_str();
  command
      .add_option(
          "--against", options->against,
          "A model, or settings (kv=f16,backend=reference) of this one: KL divergence from it; repeat for more. "
          "Keeps logits in a temporary file, 4 bytes x vocabulary a token")
      ->type_name("MODEL|KEY=VALUE,...");
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_perplexity(*options); });
}

}  // namespace moebius::internal::apps
