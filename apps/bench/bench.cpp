// `moebius bench`: its options. This file turns them into plans; bench/bench_run.h and bench/bench_sequences.h measure,
// bench/bench_report.h reports.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bench/bench_ops.h"
#include "bench/bench_report.h"
#include "bench/bench_run.h"
#include "bench/bench_sequences.h"
#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/text_input.h"
#include "dialogue/model_text.h"
#include "load/option_words.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

std::vector<std::string> read_lines(const std::string& path) {
  std::istringstream text(read_input(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  if (lines.empty()) throw Error(ErrorCode::kUsage, path, "has no lines", "write one question a line");
  return lines;
}

constexpr int64_t kMaxTokens = int64_t{1} << 24;

struct BenchOptions {
  CommonOptions common;
  std::string directory;
  std::vector<std::string> experts = {"unfused", "concat", "fused"};
  std::vector<int64_t> rows = {1, 16};
  std::vector<int64_t> drafts;
  int64_t context = 128;
  int64_t prefill = 0;
  int64_t reps = 20;
  bool ops = false;
  std::string svg;
  std::vector<int64_t> batches;
  std::vector<std::string> speculate;
  int64_t tokens = 64;
  std::string prompts;
};

BenchPlan make_plan(const BenchOptions& options) {
  BenchPlan plan;
  for (const std::string& experts : options.experts) plan.paths.push_back(parse_word<ExpertPath>("--experts", experts));
  const std::set<ExpertPath> distinct(plan.paths.begin(), plan.paths.end());
  if (distinct.size() != plan.paths.size()) {
    throw Error(ErrorCode::kUsage, "--experts", "names a path twice",
                "name each of unfused, concat, fused once at most");
  }
  plan.rows = options.rows;
  plan.drafts = options.drafts;
  plan.context = options.context;
  plan.prefill = options.prefill;
  plan.reps = options.reps;
  plan.threads = chosen_threads(options.common.engine.compute.threads);
  return plan;
}

void check_context(const BenchPlan& plan, int64_t context) {
  if (context_needed(plan) <= context) return;
  throw Error(ErrorCode::kUsage, "--context",
              fmt::format("{} positions are needed, the model has {}", context_needed(plan), context),
              "use a smaller --context or --prefill");
}

constexpr int64_t kRandomPrompts = 64;

// Returns one prompt per line of the file, rendered as a chat would ask it. Returns random token ids when `text` is
// null, because then there is no file.
std::vector<std::vector<int32_t>> sequence_prompts(const BenchOptions& options, const ModelText* text, int64_t vocab) {
  std::vector<std::vector<int32_t>> prompts;
  if (text == nullptr) {
    const int64_t length = std::max<int64_t>(options.context, 1);
    for (int64_t i = 0; i < kRandomPrompts; ++i) {
      prompts.push_back(random_tokens(length, vocab, static_cast<uint64_t>(i + 1)));
    }
    return prompts;
  }
  for (const std::string& line : read_lines(options.prompts)) {
    ChatRequest request;
    request.messages.push_back({{"role", "user"}, {"content", line}});
    prompts.push_back(text->tokenizer.encode(text->render(std::move(request)).text));
  }
  return prompts;
}

SequencesPlan sequences_plan(const BenchOptions& options) {
  SequencesPlan plan;
  plan.batches = options.batches.empty() ? std::vector<int64_t>{1} : options.batches;
  plan.arms.push_back(parse_sequences_arm("none"));
  for (const std::string& word : options.speculate) {
    if (word != "none") plan.arms.push_back(parse_sequences_arm(word));
  }
  plan.tokens = options.tokens;
  plan.reps = options.reps;
  return plan;
}

void run_sequences_bench(const BenchOptions& options) {
  SequencesPlan plan = sequences_plan(options);
  CommonOptions common = options.common;
  if (plan.arms.size() > 1) {
    common.engine.drafts.head = DraftHeadUse::kIfBundled;
    common.engine.drafts.max_rows = SpeculationMode::kMaxDepth + 1;
  }
  std::optional<ModelText> text;
  if (!options.prompts.empty()) text = load_model_text(options.directory);
  const ReadyModel model = load_model(Checkpoint(options.directory), common);
  plan.prompts = sequence_prompts(options, text ? &*text : nullptr, model.model().config().vocab);
  if (text && text->end_of_turn) plan.stop_ids = {*text->end_of_turn};
  const std::vector<SequencesSeries> series =
      run_sequences(model, plan, [](const std::string& said) { note("{}\n", said); });
  if (options.common.json) {
    write_json({{"model", {{"name", model.ready.name}, {"weight_bytes", model.ready.plan.weight_bytes}}},
                {"rows", sequences_json(series)}});
  } else {
    write_output(sequences_table(series));
  }
}

void run(const BenchOptions& options) {
  if (!options.batches.empty() || !options.speculate.empty()) {
    run_sequences_bench(options);
    return;
  }
  const BenchPlan plan = make_plan(options);
  CommonOptions common = options.common;
  common.engine.limits.context = context_needed(plan);
  common.engine.limits.max_rows = rows_needed(plan);
  common.engine.drafts.max_rows = draft_rows_needed(plan);
  std::optional<OutputFile> chart;  // opened before the long work, so that a bad name fails at once
  if (!options.svg.empty()) chart.emplace(options.svg);
  const bool measure_ops = options.ops || !options.svg.empty();
  const ReadyModel model = load_model(Checkpoint(options.directory), common, measure_ops);
  check_context(plan, model.model().options().context);
  const BenchResult result = run_bench(model, plan, [](const std::string& said) { note("{}\n", said); });
  const BenchContext context{.cpu = cpu_name(),
                             .isa = std::string(word(chosen_isa(common.engine.compute))),
                             .threads = plan.threads,
                             .model = model.ready.name,
                             .layers = model.model().config().layers,
                             .weight_bytes = model.ready.plan.weight_bytes,
                             .load_s = model.ready.load_s};
  if (options.common.json) {
    Json json = bench_json(context, result);
    if (measure_ops) json["ops"] = ops_json(result);
    write_json(json);
  } else {
    write_output(bench_table(context, result) + ops_table(result));
  }
  if (chart) {
    FileWriter file(chart->path());
    file.write(ops_svg(result, fmt::format("{}, {}", model.ready.name, context.cpu)));
    file.sync();
    chart->commit();
  }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App& command = *app.add_subcommand("bench", "Measure the expert paths side by side, against the memory's speed");
  command.footer(
      "moebius bench Qwen3.5-35B-A3B-3bit\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --experts unfused,fused --s 1 --context 4096 --reps 50\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --experts fused --ops --svg ops.svg\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --experts fused --drafts 1,3,7,15\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --prefill 512 --json > bench.json\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --batch 1,4,16 --reps 3\n"
      "moebius bench Qwen3.5-35B-A3B-3bit --speculate auto,oracle:0.3 --reps 3");
  add_directory(command, options->directory);
  command.add_option("--experts", options->experts, "Paths through the experts, interleaved")
      ->type_name("LIST")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--s", options->rows, "Tokens of a step: 1 decodes, more verify a draft")
      ->type_name("LIST")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, kMaxLogitRows).description(""))
      ->capture_default_str();
  command.add_option("--drafts", options->drafts, "Also verify so many drafted tokens, and take the last one back")
      ->type_name("LIST")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, kMaxLogitRows - 1).description(""));
  command.add_option("--context", options->context, "Positions in the caches before each step")
      ->type_name("N")
      ->check(CLI::Range(int64_t{0}, kMaxTokens).description(""))
      ->capture_default_str();
  command.add_option("--prefill", options->prefill, "Also measure a prompt of N tokens, a fifth as often")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxTokens).description(""));
  command.add_option("--reps", options->reps, "Repetitions of each arm")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000}).description(""))
      ->capture_default_str();
  command.add_flag("--ops", options->ops, "Also time, bytes and bandwidth of each operation");
  command.add_option("--svg", options->svg, "A chart of the operations; implies --ops")->type_name("FILE");
  command.add_option("--batch", options->batches, "Measure whole answers of so many sequences at once")
      ->type_name("LIST")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, kMaxLogitRows).description(""));
  command
      .add_option("--speculate", options->speculate,
                  "Measure whole answers by these ways to draft: auto, mtp:3, ngram:4, "
                  "oracle:0.3 (knows the answer, errs at that rate)")
      ->type_name("LIST")
      ->delimiter(',');
  command.add_option("--tokens", options->tokens, "Tokens of an answer, with --batch and --speculate")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kMaxTokens).description(""))
      ->capture_default_str();
  command
      .add_option("--prompts", options->prompts, "Questions for --batch and --speculate, one a line [random tokens]")
      ->type_name("FILE");
  add_common_options(command, options->common);
  command.callback([options] { run(*options); });
}

}  // namespace moebius::internal::apps
