// See bench/bench_run.h.
#include "bench/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

#include "base/checked.h"
#include "bench/bench_stats.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "load/option_words.h"
#include "model/stepper.h"

namespace moebius::internal::apps {

std::vector<int32_t> random_tokens(int64_t count, int64_t vocab, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(generator() % static_cast<uint64_t>(vocab));
  return tokens;
}
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kMaxPrefillChunk = 512;
constexpr int64_t kPrompt = 512;  // prompt tokens in the caches; a longer context repeats them
constexpr int kLayerInputs = 16;  // rows of activations that moe_layer rotates over

// Returns activations of unit variance, as a norm produces them: kLayerInputs tensors of [1, D].
std::vector<Tensor> layer_inputs(Backend& backend, int64_t dim) {
  std::mt19937_64 generator(kSeed);
  constexpr float kUnitVariance = 1.7320508f;
  std::vector<float> row(static_cast<size_t>(dim));
  std::vector<Tensor> inputs;
  for (int i = 0; i < kLayerInputs; ++i) {
    for (float& x : row) x = (static_cast<float>(generator() >> 40) * 0x1p-23f - 1.0f) * kUnitVariance;
    inputs.push_back(backend.memory().allocate(DType::kF32, 1, dim));
    backend.memory().write(inputs.back(), row.data());
  }
  return inputs;
}

// Builds masks that force which tokens are drawn: every token of a draft except the last one.
class DraftMasks {
 public:
  explicit DraftMasks(int64_t vocab) : vocab_(static_cast<size_t>(vocab)) {}

  // Returns one mask per row of logits. The masks are valid until the next call.
  std::span<const TokenMask> accepting(std::span<const int32_t> draft) {
    const size_t words = div_up(vocab_, size_t{32});
    bits_.assign(words * (draft.size() - 1), 0);
    masks_.clear();
    for (size_t row = 1; row < draft.size(); ++row) {
      const bool is_last = row + 1 == draft.size();
      const size_t drawn = is_last ? (static_cast<size_t>(draft[row]) + 1) % vocab_ : static_cast<size_t>(draft[row]);
      const auto bits = std::span(bits_).subspan((row - 1) * words, words);
      bits[drawn / 32] = uint32_t{1} << drawn % 32;
      masks_.emplace_back(bits);
    }
    masks_.emplace_back();  // row after the last draft: nothing is drawn from it
    return masks_;
  }

 private:
  size_t vocab_;
  std::vector<uint32_t> bits_;
  std::vector<TokenMask> masks_;
};

class Bench {
 public:
  Bench(const ReadyModel& model, const BenchPlan& plan, const BenchNews& said);
  BenchResult run();

 private:
  struct Test {
    BenchTest kind;
    int64_t rows;
  };
  [[nodiscard]] std::vector<Test> tests() const;
  void fill_caches();
  std::vector<BenchSeries> measure(const Test& test);
  BenchSample sample(const Test& test, size_t arm, int64_t repetition);
  void run_step(size_t arm, int64_t rows, int64_t repetition);
  void run_draft(size_t arm, int64_t rows, int64_t repetition);
  [[nodiscard]] std::span<const int32_t> tokens_of(int64_t rows, int64_t repetition) const;
  void run_prefill();
  void run_layers(int64_t repetition);
  void append(Stepper& stepper, std::span<const int32_t> tokens) const;

  const ReadyModel& model_;
  const BenchPlan& plan_;
  const BenchNews& said_;
  std::vector<std::unique_ptr<Stepper>> steppers_;  // one per expert path
  std::unique_ptr<Stepper> prompt_;                 // for prefill, which starts with an empty context each time
  std::vector<int32_t> step_tokens_;                // [repetitions, rows]
  std::vector<int32_t> prompt_tokens_;
  std::vector<Tensor> layer_inputs_;
  DraftMasks draft_masks_;
  std::unique_ptr<BandwidthProbe> probe_;
};

Bench::Bench(const ReadyModel& model, const BenchPlan& plan, const BenchNews& said)
    : model_(model), plan_(plan), said_(said), draft_masks_(model.model().config().vocab) {
  const ModelConfig& config = model.model().config();
  int64_t max_rows = 1;
  for (const int64_t rows : plan.rows) max_rows = std::max(max_rows, rows);
  for (const int64_t drafted : plan.drafts) max_rows = std::max(max_rows, drafted + 1);
  step_tokens_ = random_tokens((plan.reps + 1) * max_rows, config.vocab, kSeed);
  prompt_tokens_ = random_tokens(std::max(std::min(plan.context, kPrompt), plan.prefill), config.vocab, kSeed + 1);
  layer_inputs_ = layer_inputs(model.backend(), config.dim);
  for (size_t i = 0; i < plan.paths.size(); ++i) {
    steppers_.push_back(std::make_unique<Stepper>(model.model(), model.backend()));
  }
  if (plan.prefill > 0) prompt_ = std::make_unique<Stepper>(model.model(), model.backend());
}

std::vector<Bench::Test> Bench::tests() const {
  std::vector<Test> tests;
  for (const int64_t rows : plan_.rows) tests.push_back({rows == 1 ? BenchTest::kDecode : BenchTest::kVerify, rows});
  for (const int64_t drafted : plan_.drafts) tests.push_back({BenchTest::kDraft, drafted + 1});
  tests.push_back({BenchTest::kMoeLayer, 1});
  if (plan_.prefill > 0) tests.push_back({BenchTest::kPrefill, plan_.prefill});
  return tests;
}

BenchResult Bench::run() {
  fill_caches();
  BenchResult result;
  for (const Test& test : tests()) {
    said_(fmt::format("warming up: {}", name(test.kind)));
    for (size_t arm = 0; arm < steppers_.size(); ++arm) sample(test, arm, 0);
  }
  result.peak_resident_bytes = peak_resident_bytes();
  probe_ = std::make_unique<BandwidthProbe>(plan_.threads, probe_buffer_bytes());
  for (const Test& test : tests()) {
    said_(fmt::format("measuring: {}, {} rows, {} repetitions", name(test.kind), test.rows,
                      repetitions(plan_, test.kind)));
    for (BenchSeries& series : measure(test)) result.series.push_back(std::move(series));
  }
  return result;
}

void Bench::fill_caches() {
  if (plan_.context == 0) return;
  for (size_t arm = 0; arm < steppers_.size(); ++arm) {
    said_(fmt::format("filling caches: {} positions, {}", plan_.context, word(plan_.paths[arm])));
    model_.model().set_expert_path(plan_.paths[arm]);
    append(*steppers_[arm], std::span(prompt_tokens_).first(static_cast<size_t>(std::min(plan_.context, kPrompt))));
    steppers_[arm]->repeat_until(plan_.context);
  }
}

std::vector<BenchSeries> Bench::measure(const Test& test) {
  const size_t paths = plan_.paths.size();
  std::vector<BenchSeries> series;
  for (const ExpertPath path : plan_.paths) {
    const bool has_context = test.kind != BenchTest::kMoeLayer && test.kind != BenchTest::kPrefill;
    series.push_back({test.kind, path, test.rows, has_context ? plan_.context : 0, {}});
  }
  for (int64_t repetition = 0; repetition < repetitions(plan_, test.kind); ++repetition) {
    double bytes_per_s = 0;
    double macs_per_s = 0;
    for (size_t i = 0; i <= paths; ++i) {
      throw_if_interrupted();
      const size_t arm = (i + static_cast<size_t>(repetition)) % (paths + 1);
      if (arm == paths) {
        bytes_per_s = probe_->measure();
        macs_per_s = model_.backend().probes().measure_int8_macs();
      } else {
        series[arm].samples.push_back(sample(test, arm, repetition + 1));
      }
    }
    for (BenchSeries& s : series) {
      s.samples.back().probe_bytes_per_s = bytes_per_s;
      s.samples.back().probe_macs_per_s = macs_per_s;
    }
  }
  return series;
}

BenchSample Bench::sample(const Test& test, size_t arm, int64_t repetition) {
  model_.model().set_expert_path(plan_.paths[arm]);
  if (test.kind == BenchTest::kPrefill) prompt_->reset();
  const double plain_seconds =
      test.kind == BenchTest::kDraft ? sample({BenchTest::kDecode, 1}, arm, repetition).seconds : 0;
  OpMeter* meter = model_.loaded.meter;
  if (meter != nullptr) meter->operations().drain_totals();
  const Traffic before = model_.backend().probes().traffic();
  const auto start = std::chrono::steady_clock::now();
  switch (test.kind) {
    case BenchTest::kDecode:
    case BenchTest::kVerify:
      run_step(arm, test.rows, repetition);
      break;
    case BenchTest::kDraft:
      run_draft(arm, test.rows, repetition);
      break;
    case BenchTest::kMoeLayer:
      run_layers(repetition);
      break;
    case BenchTest::kPrefill:
      run_prefill();
      break;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const Traffic traffic = model_.backend().probes().traffic() - before;
  const double parts = test.kind == BenchTest::kMoeLayer ? static_cast<double>(model_.model().config().layers) : 1.0;
  const auto bytes = static_cast<double>(traffic.bytes());
  BenchSample taken{.seconds = elapsed.count() / parts,
                    .plain_seconds = plain_seconds,
                    .bytes = bytes / parts,
                    .experts = mean_experts(traffic, model_.model().config()),
                    .ops = {}};
  if (meter != nullptr) taken.ops = meter->operations().drain_totals();
  return taken;
}

// Every step starts at the same position. It overwrites keys and values, and advances the recurrent state, in the same
// way in every arm.
void Bench::run_step(size_t arm, int64_t rows, int64_t repetition) {
  Stepper& stepper = *steppers_[arm];
  stepper.rewind(plan_.context);
  stepper.enqueue(tokens_of(rows, repetition), {0, rows});
  if (rows == 1) {
    stepper.draw();
  } else {
    model_.backend().operations().wait();
  }
}

// Random drafts would never be accepted. The masks force every draft except the last one to be drawn, which is the case
// in which the rollback replays the most tokens.
void Bench::run_draft(size_t arm, int64_t rows, int64_t repetition) {
  Stepper& stepper = *steppers_[arm];
  stepper.rewind(plan_.context);
  const std::span<const int32_t> tokens = tokens_of(rows, repetition);
  stepper.enqueue_draft(tokens);
  stepper.draw(draft_masks_.accepting(tokens));
}

std::span<const int32_t> Bench::tokens_of(int64_t rows, int64_t repetition) const {
  const auto begin = static_cast<size_t>(repetition * rows) % (step_tokens_.size() - static_cast<size_t>(rows) + 1);
  return std::span(step_tokens_).subspan(begin, static_cast<size_t>(rows));
}

void Bench::run_prefill() {
  const std::span<const int32_t> tokens = std::span(prompt_tokens_).first(static_cast<size_t>(plan_.prefill));
  const auto max_rows = static_cast<size_t>(model_.model().options().max_rows);
  const size_t last = (tokens.size() - 1) / max_rows * max_rows;
  append(*prompt_, tokens.first(last));
  prompt_->enqueue(tokens.subspan(last), {static_cast<int64_t>(tokens.size() - last) - 1, 1});
  prompt_->draw();
}

// Runs every layer once. Each layer gets a different row of activations, and the next repetition uses other rows.
void Bench::run_layers(int64_t repetition) {
  const int64_t layers = model_.model().config().layers;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto input = static_cast<size_t>((repetition * layers + layer) % kLayerInputs);
    model_.model().mlp_layer(layer, layer_inputs_[input]);
  }
  model_.backend().operations().wait();
}

// Appends the tokens in steps of max_rows, without logits.
void Bench::append(Stepper& stepper, std::span<const int32_t> tokens) const {
  const auto max_rows = static_cast<size_t>(model_.model().options().max_rows);
  for (; !tokens.empty(); tokens = tokens.subspan(std::min(max_rows, tokens.size()))) {
    throw_if_interrupted();
    stepper.enqueue(tokens.first(std::min(max_rows, tokens.size())), {});
  }
}

}  // namespace

std::string_view name(BenchTest test) {
  constexpr std::string_view kNames[] = {"decode", "verify", "draft", "moe_layer", "prefill"};
  return kNames[static_cast<size_t>(test)];
}

BenchResult run_bench(const ReadyModel& model, const BenchPlan& plan, const BenchNews& said) {
  return Bench(model, plan, said).run();
}

double mean_experts(const Traffic& traffic, const ModelConfig& config) {
  const int64_t steps = traffic.expert_layers / config.layers;  // every step goes through every layer
  const int64_t dense = steps * config.count(MlpKind::kDense);
  const int64_t routed = steps * config.count(MlpKind::kMoe);
  if (routed == 0) return 0;
  return static_cast<double>(traffic.distinct_experts - dense) / static_cast<double>(routed);
}

int64_t context_needed(const BenchPlan& plan) {
  int64_t rows = 1 + draft_rows_needed(plan);
  for (const int64_t r : plan.rows) rows = std::max(rows, r);
  return std::max(plan.context + rows, plan.prefill);
}

int64_t draft_rows_needed(const BenchPlan& plan) { return plan.drafts.empty() ? 0 : std::ranges::max(plan.drafts) + 1; }

int64_t rows_needed(const BenchPlan& plan) {
  int64_t rows = std::min(std::max({plan.context, plan.prefill, draft_rows_needed(plan)}), kMaxPrefillChunk);
  for (const int64_t r : plan.rows) rows = std::max(rows, r);
  return rows;
}

int64_t repetitions(const BenchPlan& plan, BenchTest test) {
  return test == BenchTest::kPrefill ? std::max<int64_t>(std::min<int64_t>(plan.reps, 3), plan.reps / 5) : plan.reps;
}

}  // namespace moebius::internal::apps
