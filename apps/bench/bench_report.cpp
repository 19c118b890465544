// See bench/bench_report.h.
#include "bench/bench_report.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "bench/bench_stats.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "load/option_words.h"

namespace moebius::internal::apps {
namespace {

template <typename Value>
std::vector<double> over_samples(const BenchSeries& series, const Value& value) {
  std::vector<double> values;
  for (const BenchSample& sample : series.samples) values.push_back(value(sample));
  return values;
}

std::vector<double> seconds(const BenchSeries& series) {
  return over_samples(series, [](const BenchSample& s) { return s.seconds; });
}

double read_bytes_per_s(const BenchResult& result) {
  std::vector<double> all;
  for (const BenchSeries& series : result.series) {
    for (const BenchSample& sample : series.samples) all.push_back(sample.probe_bytes_per_s);
  }
  return median(std::move(all));
}

// One line per test and expert path: time / time of fused. Shows the median of the ratios within each repetition, and
// the smallest and largest ratio.
std::string ratio_lines(const BenchResult& result) {
  std::string text;
  for (const BenchSeries& fused : result.series) {
    if (fused.path != ExpertPath::kFused) continue;
    for (const BenchSeries& other : result.series) {
      if (other.test != fused.test || other.rows != fused.rows || other.path == ExpertPath::kFused) continue;
      const std::vector<double> r = ratios(seconds(other), seconds(fused));
      text += fmt::format("  {:<9} s {:<4}  {:>7} / fused  {:.3f}  ({:.3f} to {:.3f})\n", name(fused.test), fused.rows,
                          word(other.path), median(r), smallest(r), largest(r));
    }
  }
  if (text.empty()) return text;
  return "\ntime against fused: median (smallest to largest) of the ratios within each repetition\n" + text;
}

// Returns what a draft step costs, counted in plain tokens. A draft that yields fewer tokens than that does not pay.
double plain_tokens(const BenchSeries& series) {
  return median(over_samples(series, [](const BenchSample& s) { return s.seconds / s.plain_seconds; }));
}

std::string draft_lines(const BenchResult& result) {
  std::string text;
  for (const BenchSeries& series : result.series) {
    if (series.test != BenchTest::kDraft) continue;
    text += fmt::format("  {:>2} drafted  {:<7}  as long as {:.2f} plain tokens\n", series.rows - 1, word(series.path),
                        plain_tokens(series));
  }
  if (text.empty()) return text;
  return "\nverifying drafted tokens behind one that is known, and taking the last back (medians within "
         "repetitions)\n" +
         text;
}

Json row_json(const BenchSeries& series) {
  const BenchRow row = summarize(series);
  Json json = {{"experts", word(series.path)},
               {"test", name(series.test)},
               {"s", series.rows},
               {"context", series.context},
               {"ms_median", rounded(row.ms_median)},
               {"ms_min", rounded(row.ms_min)},
               {"ms_max", rounded(row.ms_max)},
               {"tok_s", rounded(row.tok_s)},
               {"bytes", std::llround(row.bytes)},
               {"gb_s", rounded(row.gb_s)},
               {"bandwidth_pct", rounded(row.bandwidth_pct)},
               {"experts_mean", rounded(row.experts_mean)}};
  if (series.test == BenchTest::kDraft) json["plain_tokens"] = rounded(plain_tokens(series));
  return json;
}

}  // namespace

BenchRow summarize(const BenchSeries& series) {
  const std::vector<double> times = seconds(series);
  BenchRow row;
  row.ms_median = median(times) * 1e3;
  row.ms_min = smallest(times) * 1e3;
  row.ms_max = largest(times) * 1e3;
  row.tok_s = static_cast<double>(series.rows) / median(times);
  row.bytes = median(over_samples(series, [](const BenchSample& s) { return s.bytes; }));
  row.gb_s = median(over_samples(series, [](const BenchSample& s) { return s.bytes / s.seconds; })) / 1e9;
  row.bandwidth_pct =
      100.0 *
      median(over_samples(series, [](const BenchSample& s) { return s.bytes / s.seconds / s.probe_bytes_per_s; }));
  row.experts_mean = median(over_samples(series, [](const BenchSample& s) { return s.experts; }));
  return row;
}

Json bench_json(const BenchContext& context, const BenchResult& result) {
  Json rows = Json::array();
  for (const BenchSeries& series : result.series) rows.push_back(row_json(series));
  return {{"machine",
           {{"cpu", context.cpu},
            {"isa", context.isa},
            {"threads", context.threads},
            {"read_gb_s", rounded(read_bytes_per_s(result) / 1e9)}}},
          {"model", {{"name", context.model}, {"layers", context.layers}, {"weight_bytes", context.weight_bytes}}},
          {"rows", rows},
          {"peak_rss_bytes", result.peak_resident_bytes},
          {"load_s", rounded(context.load_s)}};
}

std::string bench_table(const BenchContext& context, const BenchResult& result) {
  std::string text = fmt::format("{}, {} layers, {} of weights; {}, {}, {} threads, reads {:.1f} GB/s\n\n",
                                 context.model, context.layers, human_bytes(context.weight_bytes), context.cpu,
                                 context.isa, context.threads, read_bytes_per_s(result) / 1e9);
  text += fmt::format("{:<9} {:>4} {:>7}  {:<7} {:>10} {:>9} {:>9} {:>9} {:>9} {:>6} {:>6} {:>8}\n", "test", "s",
                      "context", "experts", "ms median", "min", "max", "tok/s", "bytes", "GB/s", "% read", "distinct");
  for (const BenchSeries& series : result.series) {
    const BenchRow row = summarize(series);
    text += fmt::format(
        "{:<9} {:>4} {:>7}  {:<7} {:>10.3f} {:>9.3f} {:>9.3f} {:>9.1f} {:>9} {:>6.1f} {:>6.1f} {:>8.1f}\n",
        name(series.test), series.rows, series.context, word(series.path), row.ms_median, row.ms_min, row.ms_max,
        row.tok_s, human_bytes(static_cast<uint64_t>(row.bytes)), row.gb_s, row.bandwidth_pct, row.experts_mean);
  }
  text += ratio_lines(result);
  text += draft_lines(result);
  text +=
      fmt::format("\npeak memory {}, loaded in {:.1f} s; moe_layer is one layer, so its tok/s are layers a second\n",
                  human_bytes(result.peak_resident_bytes), context.load_s);
  return text;
}

}  // namespace moebius::internal::apps
