// The measuring itself. The arms (expert paths, and the read-bandwidth probe as one more) take turns repetition by
// repetition in one process, in rotating order, so that a noisy machine is noisy to all of them alike. Every arm sees
// the same tokens at the same position with the same caches: one sequence per expert path, filled by a real prompt,
// which is repeated when the context is longer.
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
  std::vector<int64_t> rows;    // 1: decode; more: verification of so many
  std::vector<int64_t> drafts;  // drafted tokens: verified behind the token before them, all but the last kept
  int64_t context = 0;          // positions that the caches hold before each step
  int64_t prefill = 0;          // tokens; 0: not measured
  int64_t reps = 0;
  int threads = 1;
};

struct BenchSample {
  double seconds = 0;            // of one step; of one layer in moe_layer
  double plain_seconds = 0;      // of decoding one token in the same repetition; kDraft only
  double bytes = 0;              // moved in that time
  double experts = 0;            // distinct routed experts of a layer, mean
  double probe_bytes_per_s = 0;  // read bandwidth in the same repetition
  double probe_macs_per_s = 0;   // int8 multiply-adds in the same repetition
  std::vector<OpTotals> ops;     // of the whole step, when operations are measured
};

struct BenchSeries {
  BenchTest test = BenchTest::kDecode;
  ExpertPath path = ExpertPath::kFused;
  int64_t rows = 0;
  int64_t context = 0;
  std::vector<BenchSample> samples;  // one a repetition
};

struct BenchResult {
  std::vector<BenchSeries> series;
  uint64_t peak_resident_bytes = 0;  // after every test ran once, before the probe takes its buffer
};

// said: what is being measured, for a line on stderr.
using BenchNews = std::function<void(const std::string& said)>;
BenchResult run_bench(const ReadyModel& model, const BenchPlan& plan, const BenchNews& said);

// Distinct routed experts of a layer that has some, on average over whole steps. To a backend, and so in Traffic, a
// dense MLP is a table of one expert; to nobody else.
double mean_experts(const Traffic& traffic, const ModelConfig& config);

// Uniform ids of a fixed seed: what the tests run on.
std::vector<int32_t> random_tokens(int64_t count, int64_t vocab, uint64_t seed);

// Positions and rows of a step that the plan needs.
int64_t context_needed(const BenchPlan& plan);
int64_t rows_needed(const BenchPlan& plan);
int64_t draft_rows_needed(const BenchPlan& plan);
// How often a test is repeated: a prompt takes as long as many steps, so it gets fewer.
int64_t repetitions(const BenchPlan& plan, BenchTest test);

}  // namespace moebius::internal::apps
