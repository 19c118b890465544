// Measures the steps of `moebius bench`. The arms are the expert paths, and the read-bandwidth probe is one more arm.
// The arms take turns within each repetition, in one process and in rotating order, so that noise of the machine hits
// all of them alike. Every arm sees the same tokens at the same position with the same caches. Each expert path has one
// sequence, whose caches are filled by a real prompt. The prompt is repeated when the context is longer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/op_meter.h"
#include "base/bandwidth_probe.h"
#include "cli/loading.h"

namespace moebius::internal::apps {

enum class BenchTest : uint8_t { kDecode, kVerify, kDraft, kMoeLayer, kPrefill };
std::string_view name(BenchTest test);

struct BenchPlan {
  std::vector<ExpertPath> paths;
  std::vector<int64_t> rows;    // 1: decode; more: verification of that many
  std::vector<int64_t> drafts;  // drafted tokens; a step verifies the known token and these, and rejects the last
  int64_t context = 0;          // positions that the caches hold before each step
  int64_t prefill = 0;          // tokens; 0: not measured
  int64_t reps = 0;
  int threads = 1;
};

struct BenchSample {
  double seconds = 0;            // time of one step; in moe_layer, time of one layer
  double plain_seconds = 0;      // time to decode one token in the same repetition; kDraft only
  double bytes = 0;              // memory traffic in `seconds`
  double experts = 0;            // distinct routed experts per layer, mean
  double probe_bytes_per_s = 0;  // read bandwidth in the same repetition
  double probe_macs_per_s = 0;   // int8 multiply-adds in the same repetition
  std::vector<OpTotals> ops;     // operations of the whole step; empty when they are not measured
};

struct BenchSeries {
  BenchTest test = BenchTest::kDecode;
  ExpertPath path = ExpertPath::kFused;
  int64_t rows = 0;
  int64_t context = 0;
  std::vector<BenchSample> samples;  // one per repetition
};

struct BenchResult {
  std::vector<BenchSeries> series;
  uint64_t peak_resident_bytes = 0;  // after every test ran once, before the probe takes its buffer
};

// `said` is what is being measured now. The caller shows it as a line on stderr.
using BenchNews = std::function<void(const std::string& said)>;
BenchResult run_bench(const ReadyModel& model, const BenchPlan& plan, const BenchNews& said);

// Returns how many distinct routed experts a layer with routed experts uses, averaged over whole steps. Backends count
// a dense MLP in Traffic as a layer with one expert, so this function subtracts the dense layers.
double mean_experts(const Traffic& traffic, const ModelConfig& config);

// Returns uniformly random token ids from a fixed seed. The tests of the bench run on them.
std::vector<int32_t> random_tokens(int64_t count, int64_t vocab, uint64_t seed);

// How many positions, rows per step and draft rows per step the plan needs.
int64_t context_needed(const BenchPlan& plan);
int64_t rows_needed(const BenchPlan& plan);
int64_t draft_rows_needed(const BenchPlan& plan);
// How often a test is repeated. A prompt takes as long as many steps, so kPrefill is repeated less often.
int64_t repetitions(const BenchPlan& plan, BenchTest test);

}  // namespace moebius::internal::apps
