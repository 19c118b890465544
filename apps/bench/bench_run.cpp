// See bench/bench_run.h.
#include "bench/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

#include "bench/bench_stats.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "load/options.h"

namespace moebius::apps {

std::vector<int32_t> random_tokens(int64_t count, int64_t vocab, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(generator() % static_cast<uint64_t>(vocab));
  return tokens;
}
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kMaxPrefillChunk = 512;
constexpr int64_t kPrompt = 512;  // real tokens in the caches; a longer context repeats them
constexpr int kLayerInputs = 16;  // rows of activations that moe_layer rotates over

// Activations of unit variance, as they come out of a norm: [kLayerInputs, D], one tensor a row.
std::vector<Tensor> layer_inputs(Backend& backend, int64_t dim) {
  std::mt19937_64 generator(kSeed);
  constexpr float kUnitVariance = 1.7320508f;
  std::vector<float> row(static_cast<size_t>(dim));
  std::vector<Tensor> inputs;
  for (int i = 0; i < kLayerInputs; ++i) {
    for (float& x : row) x = (static_cast<float>(generator() >> 40) * 0x1p-23f - 1.0f) * kUnitVariance;
    inputs.push_back(backend.allocate(DType::kF32, 1, dim));
    backend.write(inputs.back(), row.data());
  }
  return inputs;
}

class Bench {
 public:
  Bench(const Loaded& loaded, const BenchPlan& plan, const BenchNews& said);
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
  // Argmax of each row of logits, and the wait for it: what decoding a token, or verifying some, ends with.
  void take_tokens(Tensor logits);
  void wait_for(Tensor x);

  const Loaded& loaded_;
  const BenchPlan& plan_;
  const BenchNews& said_;
  std::vector<std::unique_ptr<Session>> sessions_;  // one an expert path
  std::unique_ptr<Session> prompt_;                 // of prefill, which starts from nothing each time
  std::vector<int32_t> step_tokens_;                // [repetitions, most rows]
  std::vector<int32_t> prompt_tokens_;
  std::vector<Tensor> layer_inputs_;
  Tensor ids_;  // i32 [most rows of logits, 1]
  std::unique_ptr<BandwidthProbe> probe_;
};

Bench::Bench(const Loaded& loaded, const BenchPlan& plan, const BenchNews& said)
    : loaded_(loaded), plan_(plan), said_(said) {
  const ModelConfig& config = loaded.model().config();
  int64_t most_rows = 1;
  for (const int64_t rows : plan.rows) most_rows = std::max(most_rows, rows);
  for (const int64_t drafted : plan.drafts) most_rows = std::max(most_rows, drafted + 1);
  step_tokens_ = random_tokens((plan.reps + 1) * most_rows, config.vocab, kSeed);
  prompt_tokens_ = random_tokens(std::max(std::min(plan.context, kPrompt), plan.prefill), config.vocab, kSeed + 1);
  layer_inputs_ = layer_inputs(loaded.backend(), config.dim);
  ids_ = loaded.backend().allocate(DType::kI32, kMaxLogitRows, 1);
  for (size_t i = 0; i < plan.paths.size(); ++i) sessions_.push_back(std::make_unique<Session>(loaded));
  if (plan.prefill > 0) prompt_ = std::make_unique<Session>(loaded);
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
    for (size_t arm = 0; arm < sessions_.size(); ++arm) sample(test, arm, 0);
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
  for (size_t arm = 0; arm < sessions_.size(); ++arm) {
    said_(fmt::format("filling caches: {} positions, {}", plan_.context, name(plan_.paths[arm])));
    loaded_.model().set_expert_path(plan_.paths[arm]);
    sessions_[arm]->skip(std::span(prompt_tokens_).first(static_cast<size_t>(std::min(plan_.context, kPrompt))));
    sessions_[arm]->pretend(plan_.context);
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
        macs_per_s = loaded_.backend().measure_int8_macs();
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
  loaded_.model().set_expert_path(plan_.paths[arm]);
  if (test.kind == BenchTest::kPrefill) prompt_->reset();
  const double plain_seconds =
      test.kind == BenchTest::kDraft ? sample({BenchTest::kDecode, 1}, arm, repetition).seconds : 0;
  loaded_.backend().take_traffic();
  if (loaded_.parts.meter != nullptr) loaded_.parts.meter->take_ops();
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
  const Traffic traffic = loaded_.backend().take_traffic();
  const double parts = test.kind == BenchTest::kMoeLayer ? static_cast<double>(loaded_.model().config().layers) : 1.0;
  const auto bytes = static_cast<double>(traffic.bytes());
  BenchSample taken{.seconds = elapsed.count() / parts,
                    .plain_seconds = plain_seconds,
                    .bytes = bytes / parts,
                    .experts = mean_experts(traffic, loaded_.model().config()),
                    .ops = {}};
  if (loaded_.parts.meter != nullptr) taken.ops = loaded_.parts.meter->take_ops();
  return taken;
}

// Always at the same position: keys and values are written over, the recurrent state moves on, alike in every arm.
void Bench::run_step(size_t arm, int64_t rows, int64_t repetition) {
  Session& session = *sessions_[arm];
  session.seek(plan_.context);
  const Tensor logits = session.step(tokens_of(rows, repetition), 0, rows);
  if (rows == 1) {
    take_tokens(logits);
  } else {
    wait_for(logits);
  }
}

// All but the last token stay: the most that a rollback can have to replay.
void Bench::run_draft(size_t arm, int64_t rows, int64_t repetition) {
  Session& session = *sessions_[arm];
  session.seek(plan_.context);
  take_tokens(session.draft(tokens_of(rows, repetition)));
  session.keep(rows - 1, rows);
}

std::span<const int32_t> Bench::tokens_of(int64_t rows, int64_t repetition) const {
  const auto begin = static_cast<size_t>(repetition * rows) % (step_tokens_.size() - static_cast<size_t>(rows) + 1);
  return std::span(step_tokens_).subspan(begin, static_cast<size_t>(rows));
}

void Bench::run_prefill() {
  const std::span<const int32_t> tokens = std::span(prompt_tokens_).first(static_cast<size_t>(plan_.prefill));
  const auto most = static_cast<size_t>(loaded_.model().options().max_rows);
  const size_t last = (tokens.size() - 1) / most * most;
  prompt_->skip(tokens.first(last));
  const auto tail = static_cast<int64_t>(tokens.size() - last);
  take_tokens(prompt_->step(tokens.subspan(last), tail - 1, 1));
}

// Every layer once, each with another row of activations, and other rows in the next repetition.
void Bench::run_layers(int64_t repetition) {
  const int64_t layers = loaded_.model().config().layers;
  Tensor out;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto input = static_cast<size_t>((repetition * layers + layer) % kLayerInputs);
    out = loaded_.model().moe_layer(layer, layer_inputs_[input]);
  }
  wait_for(out);
}

void Bench::take_tokens(Tensor logits) {
  const Tensor ids = ids_.first(logits.rows);
  loaded_.backend().argmax(ids, logits);
  wait_for(ids);
}

void Bench::wait_for(Tensor x) {
  uint32_t word = 0;  // every element type in use has four bytes
  loaded_.backend().read(&word, {x.data, x.dtype, 1, 1});
}

}  // namespace

std::string_view name(BenchTest test) {
  constexpr std::string_view kNames[] = {"decode", "verify", "draft", "moe_layer", "prefill"};
  return kNames[static_cast<size_t>(test)];
}

BenchResult run_bench(const Loaded& loaded, const BenchPlan& plan, const BenchNews& said) {
  return Bench(loaded, plan, said).run();
}

double mean_experts(const Traffic& traffic, const ModelConfig& config) {
  const int64_t steps = traffic.expert_layers / config.layers;  // each goes through every layer
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

}  // namespace moebius::apps
