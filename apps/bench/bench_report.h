// Turns the result of a bench run into JSON, which scripts rely on, and into a table for people. The table adds the
// honest ratios: those taken within each repetition.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "bench/bench_run.h"

namespace moebius::internal::apps {

struct BenchContext {
  std::string cpu;
  std::string isa;
  int threads = 1;
  std::string model;
  int64_t layers = 0;
  uint64_t weight_bytes = 0;
  double load_s = 0;
};

// Medians over the repetitions of one arm. bandwidth_pct is the median of the ratios to the probe of the same
// repetition.
struct BenchRow {
  double ms_median = 0, ms_min = 0, ms_max = 0;
  double tok_s = 0;  // rows / median; moe_layer: layers / s
  double bytes = 0;
  double gb_s = 0;
  double bandwidth_pct = 0;
  double experts_mean = 0;
};
BenchRow summarize(const BenchSeries& series);

Json bench_json(const BenchContext& context, const BenchResult& result);
std::string bench_table(const BenchContext& context, const BenchResult& result);

}  // namespace moebius::internal::apps
