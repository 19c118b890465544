// See bench/bench_sequences.h.
#include "bench/bench_sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "base/quote.h"
#include "bench/bench_stats.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "load/available_memory.h"
#include "moebius/error.h"
#include "schedule/draft_head.h"
#include "schedule/scheduler.h"

namespace moebius::internal::apps {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

using Answers = std::vector<std::vector<int32_t>>;  // by sequence

// One way to draft. Its scheduler keeps what it has learned from run to run.
struct ArmState {
  const SequencesArm* arm = nullptr;
  std::unique_ptr<Scheduler> scheduler;
};

SequenceSpec spec_of(const SequencesPlan& plan, const SequencesArm& arm, int64_t sequence, const ReadyModel& model) {
  SequenceSpec spec;
  spec.id = static_cast<RequestId>(sequence + 1);
  spec.prompt = plan.prompts[static_cast<size_t>(sequence) % plan.prompts.size()];
  spec.sampling.temperature = 0;
  spec.vocab = static_cast<int32_t>(model.model().config().vocab);
  spec.stop_ids = plan.stop_ids;
  spec.max_tokens = plan.tokens;
  spec.speculation = arm.mode;
  return spec;
}

// Returns a function that drafts from the plain answer. The first token of that answer is at position `prompt`.
auto oracle_drafts(const std::vector<int32_t>& plain, const OracleErrors& errors, int64_t prompt) {
  return [oracle = std::make_shared<OracleDrafts>(plain, errors), prompt](int64_t position, int64_t max_tokens) {
    return oracle->propose(position - prompt, max_tokens);
  };
}

// Runs `sequences` answers at once. `plain` holds the answers to compare with and to draft from. When it is empty (the
// first run), this run fills it.
SequencesSample run_once(const ReadyModel& model, const SequencesPlan& plan, ArmState& state, int64_t sequences,
                         Answers& plain) {
  Scheduler& scheduler = *state.scheduler;
  const Stats before = scheduler.stats();
  Answers answers(static_cast<size_t>(sequences));
  for (int64_t i = 0; i < sequences; ++i) {
    SequenceSpec spec = spec_of(plan, *state.arm, i, model);
    if (state.arm->oracle) {
      spec.drafts = oracle_drafts(plain[static_cast<size_t>(i)], state.arm->errors, std::ssize(spec.prompt));
    }
    scheduler.add(std::move(spec));
  }
  SequencesSample sample;
  int64_t ended = 0;
  while (true) {
    throw_if_interrupted();
    const bool all_decode = ended == 0 && std::ranges::none_of(answers, &std::vector<int32_t>::empty);
    const double start = now();
    if (!scheduler.step()) break;
    if (all_decode) {
      sample.seconds += now() - start;
      sample.steps += sequences;
    }
    for (const Event& event : scheduler.drain_events()) {
      if (const auto* end = std::get_if<EndEvent>(&event.what)) {
        if (end->error) throw Error(*end->error);
        ++ended;
      }
      const auto* draw = std::get_if<Draw>(&event.what);
      if (draw == nullptr) continue;
      answers[event.request - 1].push_back(draw->token);
      sample.tokens += all_decode ? 1 : 0;
    }
  }
  if (sample.steps == 0) {
    throw Error(ErrorCode::kUsage, "--tokens", "the first answer ended before the last began",
                "give more, or fewer sequences");
  }
  const Stats after = scheduler.stats();
  sample.drafted = after.drafted - before.drafted;
  sample.accepted = after.accepted - before.accepted;
  sample.prompt_tokens = after.prompt_tokens - before.prompt_tokens;
  sample.reused_tokens = after.reused_tokens - before.reused_tokens;
  if (plain.empty()) plain = answers;
  if (answers == plain) return sample;
  throw Error(ErrorCode::kInternal, state.arm->name, "an answer differs from the plain one",
              "please report it with the command");
}

double tok_s(const SequencesSample& sample) { return static_cast<double>(sample.tokens) / sample.seconds; }

std::vector<double> rates(const SequencesSeries& series) {
  std::vector<double> values;
  for (const SequencesSample& sample : series.samples) values.push_back(tok_s(sample));
  return values;
}

SequencesSample total(const SequencesSeries& series) {
  SequencesSample sum;
  for (const SequencesSample& sample : series.samples) {
    sum.tokens += sample.tokens;
    sum.steps += sample.steps;
    sum.drafted += sample.drafted;
    sum.accepted += sample.accepted;
    sum.prompt_tokens += sample.prompt_tokens;
    sum.reused_tokens += sample.reused_tokens;
  }
  return sum;
}

double part(int64_t count, int64_t of) { return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of); }

// Returns the series of the plain arm with the same number of sequences.
const SequencesSeries& plain_of(const std::vector<SequencesSeries>& all, const SequencesSeries& series) {
  return *std::ranges::find(all, series.sequences, &SequencesSeries::sequences);
}

struct SequencesRow {
  double tok_s = 0, sequence_tok_s = 0;
  double ratio = 0;  // speed relative to plain; median of the ratios within repetitions
  double tokens_per_step = 0, acceptance = 0, reused = 0;
};

SequencesRow summarize(const std::vector<SequencesSeries>& all, const SequencesSeries& series) {
  const SequencesSample sum = total(series);
  SequencesRow row;
  row.tok_s = median(rates(series));
  row.sequence_tok_s = row.tok_s / static_cast<double>(series.sequences);
  row.ratio = median(ratios(rates(series), rates(plain_of(all, series))));
  row.tokens_per_step = part(sum.tokens, sum.steps);
  row.acceptance = part(sum.accepted, sum.drafted);
  row.reused = part(sum.reused_tokens, sum.prompt_tokens);
  return row;
}

double parse_rate(const std::string& word, std::string_view text) {
  double rate = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error == std::errc{} && end == text.data() + text.size() && rate >= 0 && rate <= 1) return rate;
  throw Error(ErrorCode::kUsage, "--speculate", "expected oracle:RATE with a rate from 0 to 1, got " + in_quotes(word),
              "write oracle:0.3, or oracle:0.3:4 for four drafts each time");
}

}  // namespace

SequencesArm parse_sequences_arm(const std::string& word) {
  constexpr std::string_view kOracle = "oracle:";
  if (!word.starts_with(kOracle)) return {.name = word, .mode = parse_speculation_mode(word)};
  const std::string rest = word.substr(kOracle.size());
  const size_t colon = rest.find(':');
  SequencesArm arm = {.name = word, .mode = {.ngram = true}, .oracle = true};
  if (colon != std::string::npos) arm.mode = parse_speculation_mode("ngram" + rest.substr(colon));
  arm.errors = {.rate = parse_rate(word, std::string_view(rest).substr(0, colon)), .seed = 1};
  return arm;
}

std::vector<SequencesSeries> run_sequences(const ReadyModel& model, const SequencesPlan& plan,
                                           const std::function<void(const std::string& said)>& said) {
  const auto memory = static_cast<int64_t>(available_memory_bytes().value_or(uint64_t{8} << 30) / 2);
  std::vector<ArmState> arms;
  for (const SequencesArm& arm : plan.arms) {
    check_has_head(arm.mode, model.model());
    const SchedulerOptions options = {.memory_bytes = memory / std::ssize(plan.arms),
                                      .max_sequences = *std::ranges::max_element(plan.batches),
                                      .clock = now,
                                      .name = model.ready.name};
    arms.push_back({&arm, std::make_unique<Scheduler>(model.model(), model.backend(), options)});
  }
  std::vector<SequencesSeries> result;
  for (const int64_t sequences : plan.batches) {
    Answers plain;
    const size_t first = result.size();
    for (const ArmState& arm : arms) result.push_back({.sequences = sequences, .arm = arm.arm->name});
    said(fmt::format("{} sequences: once to warm up", sequences));
    for (ArmState& arm : arms) run_once(model, plan, arm, sequences, plain);
    for (int64_t rep = 0; rep < plan.reps; ++rep) {
      said(fmt::format("{} sequences: repetition {} of {}", sequences, rep + 1, plan.reps));
      for (size_t i = 0; i < arms.size(); ++i) {
        const size_t arm = (i + static_cast<size_t>(rep)) % arms.size();
        result[first + arm].samples.push_back(run_once(model, plan, arms[arm], sequences, plain));
      }
    }
  }
  return result;
}

Json sequences_json(const std::vector<SequencesSeries>& series) {
  Json rows = Json::array();
  for (const SequencesSeries& one : series) {
    const SequencesRow row = summarize(series, one);
    rows.push_back({{"test", "sequences"},
                    {"sequences", one.sequences},
                    {"speculate", one.arm},
                    {"tok_s", rounded(row.tok_s)},
                    {"sequence_tok_s", rounded(row.sequence_tok_s)},
                    {"ratio_to_plain", rounded(row.ratio)},
                    {"tokens_per_step", rounded(row.tokens_per_step)},
                    {"acceptance", rounded(row.acceptance)},
                    {"reused", rounded(row.reused)}});
  }
  return rows;
}

std::string sequences_table(const std::vector<SequencesSeries>& series) {
  std::string text = fmt::format("{:>7}  {:<12} {:>9} {:>11} {:>9} {:>12} {:>9} {:>8}\n", "sequences", "speculate",
                                 "tok/s", "of each", "to plain", "tokens/step", "accepted", "reused");
  for (const SequencesSeries& one : series) {
    const SequencesRow row = summarize(series, one);
    text += fmt::format("{:>7}  {:<12} {:>9.1f} {:>11.1f} {:>9.3f} {:>12.2f} {:>8.1f}% {:>7.1f}%\n", one.sequences,
                        one.arm, row.tok_s, row.sequence_tok_s, row.ratio, row.tokens_per_step, 100 * row.acceptance,
                        100 * row.reused);
  }
  return text +
         "\nsteps in which all sequences decode; medians over repetitions, ratios within them; reused: of the prompts, "
         "from "
         "the prefix cache. Every answer is token for token the plain one\n";
}

}  // namespace moebius::internal::apps
