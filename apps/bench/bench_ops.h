// Reports how much time each operation of a step takes, and compares it with the memory's speed. The report is a table,
// JSON or an SVG chart.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "bench/bench_run.h"

namespace moebius::internal::apps {

// One kind of operation in one step of a series, added up over the layers. Every number is a median over the
// repetitions.
struct OpRow {
  std::string op;
  double calls = 0;
  double ms = 0;
  double share_pct = 0;  // percent of the step's time
  double bytes = 0;
  double gb_s = 0;
  double bandwidth_pct = 0;  // percent of the read bandwidth that the probe measured in the same repetition
  double peak_pct = 0;       // int8 multiply-adds per second, as percent of the probe's
  double floor_ms = 0;       // time for the bytes or for the multiply-adds at the probe's speeds, the longer one
  double barriers = 0;
};

// Returns the operations in the order in which they ran. The last row, "(between)", is the time between operations.
// Returns no rows when operations were not measured.
std::vector<OpRow> summarize_ops(const BenchSeries& series);

Json ops_json(const BenchResult& result);
std::string ops_table(const BenchResult& result);
// Draws one chart per series with one bar per operation. A bar is as long as the time, and dark up to the floor.
std::string ops_svg(const BenchResult& result, const std::string& title);

}  // namespace moebius::internal::apps
