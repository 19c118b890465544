// Where the time of a step goes, operation by operation, against the memory's speed: as a table, as JSON, as an SVG.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "bench/bench_run.h"

namespace moebius::internal::apps {

// One kind of operation in one step of a series; layers are added up. Medians over the repetitions.
struct OpRow {
  std::string op;
  double calls = 0;
  double ms = 0;
  double share_pct = 0;  // of the step
  double bytes = 0;
  double gb_s = 0;
  double bandwidth_pct = 0;  // of what the probe read in the same repetition
  double peak_pct = 0;       // int8 multiply-adds, of what the instruction set can do
  double floor_ms = 0;       // the longer of what the bytes and what the multiply-adds take at those speeds
  double barriers = 0;
};

// In the order in which they ran; last the time between operations, "(between)". Empty when nothing was measured.
std::vector<OpRow> summarize_ops(const BenchSeries& series);

Json ops_json(const BenchResult& result);
std::string ops_table(const BenchResult& result);
// One chart a series: a bar an operation, as long as its time, dark as far as its floor.
std::string ops_svg(const BenchResult& result, const std::string& title);

}  // namespace moebius::internal::apps
