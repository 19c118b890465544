// See bench/bench_ops.h.
#include "bench/bench_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/bench_stats.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "load/option_words.h"

namespace moebius::internal::apps {
namespace {

const OpTotals* find(const BenchSample& sample, const std::string& op) {
  const auto found = std::ranges::find(sample.ops, op, &OpTotals::op);
  return found == sample.ops.end() ? nullptr : &*found;
}

double bytes_of(const OpTotals& op) { return static_cast<double>(op.traffic.bytes()); }

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double macs_of(const OpTotals& op) { return static_cast<double>(op.traffic.int8_macs); }

double floor_seconds(const BenchSample& sample, const OpTotals& op) {
  return std::max(ratio(bytes_of(op), sample.probe_bytes_per_s), ratio(macs_of(op), sample.probe_macs_per_s));
}

// Returns the median of value(sample, totals of op) over the samples in which the operation ran.
template <typename Value>
double over_samples(const BenchSeries& series, const std::string& op, const Value& value) {
  std::vector<double> values;
  for (const BenchSample& sample : series.samples) {
    if (const OpTotals* totals = find(sample, op)) values.push_back(value(sample, *totals));
  }
  return median(std::move(values));
}

// Returns the seconds of a whole step. In moe_layer, BenchSample::seconds is the time of one layer.
double step_seconds(const BenchSeries& series, const BenchSample& sample) {
  int64_t layers = 1;
  if (series.test == BenchTest::kMoeLayer) {
    for (const OpTotals& op : sample.ops) layers = std::max(layers, op.traffic.expert_layers);
  }
  return sample.seconds * static_cast<double>(layers);
}

OpRow summarize_op(const BenchSeries& series, const std::string& op) {
  const auto median_of = [&](const auto& value) { return over_samples(series, op, value); };
  using Sample = BenchSample;
  OpRow row;
  row.op = op;
  row.calls = median_of([](const Sample&, const OpTotals& o) { return static_cast<double>(o.calls); });
  row.ms = median_of([](const Sample&, const OpTotals& o) { return o.seconds * 1e3; });
  row.share_pct =
      median_of([&](const Sample& s, const OpTotals& o) { return 100 * o.seconds / step_seconds(series, s); });
  row.bytes = median_of([](const Sample&, const OpTotals& o) { return bytes_of(o); });
  row.gb_s = median_of([](const Sample&, const OpTotals& o) { return bytes_of(o) / o.seconds / 1e9; });
  row.bandwidth_pct =
      median_of([](const Sample& s, const OpTotals& o) { return 100 * bytes_of(o) / o.seconds / s.probe_bytes_per_s; });
  row.peak_pct = median_of(
      [](const Sample& s, const OpTotals& o) { return 100 * ratio(macs_of(o) / o.seconds, s.probe_macs_per_s); });
  row.floor_ms = median_of([](const Sample& s, const OpTotals& o) { return 1e3 * floor_seconds(s, o); });
  row.barriers = median_of([](const Sample&, const OpTotals& o) { return static_cast<double>(o.traffic.barriers); });
  return row;
}

OpRow time_between(const BenchSeries& series) {
  std::vector<double> ms;
  std::vector<double> shares;
  for (const BenchSample& sample : series.samples) {
    const double step = step_seconds(series, sample);
    double rest = step;
    for (const OpTotals& op : sample.ops) rest -= op.seconds;
    ms.push_back(rest * 1e3);
    shares.push_back(100 * rest / step);
  }
  OpRow row;
  row.op = "(between)";
  row.ms = median(std::move(ms));
  row.share_pct = median(std::move(shares));
  return row;
}

std::string heading(const BenchSeries& series) {
  return fmt::format("{}, s {}, context {}, {}", name(series.test), series.rows, series.context, word(series.path));
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

// ---- the chart; positions are in pixels

constexpr double kWidth = 900, kBarLeft = 250, kBarRight = 700, kRowHeight = 22, kHeading = 34, kTop = 70;

std::string text_at(double x, double y, const std::string& text, const std::string& attributes = "") {
  return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" {}>{}</text>\n", x, y, attributes, escaped(text));
}

std::string bar(double y, double width, const char* color) {
  return fmt::format("<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"{:.0f}\" fill=\"{}\"/>\n", kBarLeft, y,
                     width, kRowHeight - 6, color);
}

std::string chart(double top, const BenchSeries& series) {
  const std::vector<OpRow> rows = summarize_ops(series);
  const double longest = std::ranges::max_element(rows, {}, &OpRow::ms)->ms;
  const auto pixels = [&](double ms) { return std::max(0.0, ms / longest * (kBarRight - kBarLeft)); };
  std::string svg = text_at(20, top + 14, heading(series), "font-weight=\"bold\"");
  double y = top + kHeading - 8;
  for (const OpRow& row : rows) {
    svg += text_at(kBarLeft - 8, y + 12, row.op, "text-anchor=\"end\"");
    svg += bar(y, pixels(row.ms), "#a8c5e6") + bar(y, pixels(std::min(row.floor_ms, row.ms)), "#1f5fa8");
    std::string label = fmt::format("{:.2f} ms", row.ms);
    if (row.peak_pct > row.bandwidth_pct) {
      label += fmt::format(", {:.0f} % of the dot products", row.peak_pct);
    } else if (row.bytes > 0) {
      label += fmt::format(", {:.0f} % of bandwidth", row.bandwidth_pct);
    }
    svg += text_at(kBarLeft + pixels(row.ms) + 6, y + 12, label);
    y += kRowHeight;
  }
  return svg;
}

}  // namespace

std::vector<OpRow> summarize_ops(const BenchSeries& series) {
  std::vector<OpRow> rows;
  if (series.samples.empty() || series.samples.front().ops.empty()) return rows;
  for (const OpTotals& op : series.samples.front().ops) rows.push_back(summarize_op(series, op.op));
  rows.push_back(time_between(series));
  return rows;
}

Json ops_json(const BenchResult& result) {
  Json ops = Json::array();
  for (const BenchSeries& series : result.series) {
    for (const OpRow& row : summarize_ops(series)) {
      ops.push_back({{"test", name(series.test)},
                     {"s", series.rows},
                     {"context", series.context},
                     {"experts", word(series.path)},
                     {"op", row.op},
                     {"calls", row.calls},
                     {"ms", rounded(row.ms)},
                     {"share_pct", rounded(row.share_pct)},
                     {"bytes", std::llround(row.bytes)},
                     {"gb_s", rounded(row.gb_s)},
                     {"bandwidth_pct", rounded(row.bandwidth_pct)},
                     {"peak_pct", rounded(row.peak_pct)},
                     {"floor_ms", rounded(row.floor_ms)},
                     {"barriers", row.barriers}});
    }
  }
  return ops;
}

std::string ops_table(const BenchResult& result) {
  std::string text;
  for (const BenchSeries& series : result.series) {
    const std::vector<OpRow> rows = summarize_ops(series);
    if (rows.empty()) continue;
    text += fmt::format("\n{}: a whole step\n{:<34} {:>6} {:>9} {:>7} {:>9} {:>7} {:>7} {:>7} {:>9} {:>9}\n",
                        heading(series), "operation", "calls", "ms", "share", "bytes", "GB/s", "% read", "% dots",
                        "floor ms", "barriers");
    for (const OpRow& row : rows) {
      text += fmt::format("{:<34} {:>6.0f} {:>9.3f} {:>6.1f}% {:>9} {:>7.1f} {:>7.1f} {:>7.1f} {:>9.3f} {:>9.0f}\n",
                          row.op, row.calls, row.ms, row.share_pct, human_bytes(static_cast<uint64_t>(row.bytes)),
                          row.gb_s, row.bandwidth_pct, row.peak_pct, row.floor_ms, row.barriers);
    }
  }
  return text;
}

std::string ops_svg(const BenchResult& result, const std::string& title) {
  double y = kTop;
  std::string charts;
  for (const BenchSeries& series : result.series) {
    const size_t rows = summarize_ops(series).size();
    if (rows == 0) continue;
    charts += chart(y, series);
    y += kHeading + static_cast<double>(rows) * kRowHeight + 12;
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
             "font-family=\"sans-serif\" font-size=\"13\">\n"
             "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n",
             kWidth, y) +
         text_at(20, 26, title, "font-size=\"16\" font-weight=\"bold\"") +
         text_at(
             20, 48,
             "light: time; dark: what the bytes, or the int8 dot products, alone would take at the speeds of the run") +
         charts + "</svg>\n";
}

}  // namespace moebius::internal::apps
