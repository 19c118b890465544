// `moebius bench`: options, and what they mean to the measuring (bench_run.h) and the report (bench_report.h).
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "bench_ops.h"
#include "bench_report.h"
#include "bench_run.h"
#include "commands.h"
#include "engine/options.h"
#include "machine.h"
#include "moebius/error.h"
#include "output.h"
#include "output_file.h"
#include "session.h"

namespace moebius::apps {
namespace {

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
};

BenchPlan make_plan(const BenchOptions& options) {
  BenchPlan plan;
  for (const std::string& experts : options.experts) plan.paths.push_back(parse_expert_path(experts));
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
  plan.threads = chosen_threads(options.common.engine.threads);
  return plan;
}

void check_context(const BenchPlan& plan, int64_t context) {
  if (context_needed(plan) <= context) return;
  throw Error(ErrorCode::kUsage, "--context",
              fmt::format("{} positions are needed, the model has {}", context_needed(plan), context),
              "use a smaller --context or --prefill");
}

void run(const BenchOptions& options) {
  const BenchPlan plan = make_plan(options);
  CommonOptions common = options.common;
  common.engine.context = context_needed(plan);
  common.engine.max_rows = rows_needed(plan);
  common.engine.draft_rows = draft_rows_needed(plan);
  std::optional<OutputFile> chart;  // before the long work: a name that cannot be written is known at once
  if (!options.svg.empty()) chart.emplace(options.svg);
  const bool measure_ops = options.ops || !options.svg.empty();
  const Loaded loaded = load(options.directory, common, measure_ops);
  check_context(plan, loaded.model().options().context);
  const BenchResult result = run_bench(loaded, plan, [](const std::string& said) { note("{}\n", said); });
  const BenchContext context{.cpu = cpu_name(),
                             .isa = chosen_isa(common.engine.backend, common.engine.isa),
                             .threads = plan.threads,
                             .model = loaded.name,
                             .layers = loaded.model().config().layers,
                             .weight_bytes = loaded.plan.weight_bytes,
                             .load_s = loaded.load_s};
  if (options.common.json) {
    Json json = bench_json(context, result);
    if (measure_ops) json["ops"] = ops_json(result);
    write_json(json);
  } else {
    write_output(bench_table(context, result) + ops_table(result));
  }
  if (chart) {
    FileWriter file(chart->path());
    file.write(ops_svg(result, fmt::format("{}, {}", loaded.name, context.cpu)));
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
      "moebius bench Qwen3.5-35B-A3B-3bit --prefill 512 --json > bench.json");
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
  command.add_option("--svg", options->svg, "The same as a chart; implies --ops")->type_name("FILE");
  add_common_options(command, options->common);
  command.callback([options] { run(*options); });
}

}  // namespace moebius::apps
