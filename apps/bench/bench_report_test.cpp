#include "bench/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/bench_ops.h"
#include "bench/bench_stats.h"

namespace moebius::internal::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BenchStats, median_is_the_middle_or_the_mean_of_the_middle_two) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({4, 1, 100, 2}), 3);
}

TEST(BenchStats, ratios_are_taken_within_a_repetition) { EXPECT_THAT(ratios({2, 9}, {1, 3}), ElementsAre(2, 3)); }

// Three repetitions on a machine that becomes ten times slower in the last one. The probe and the step slow down alike.
BenchSeries series(ExpertPath path, double seconds) {
  return {BenchTest::kVerify,
          path,
          16,
          128,
          {{seconds, 0.1, 1e9, 100, 10e9, 1e12, {}},
           {seconds, 0.1, 1e9, 104, 10e9, 1e12, {}},
           {seconds * 10, 1, 1e9, 105, 1e9, 1e12, {}}}};
}

TEST(BenchReport, shares_of_the_bandwidth_are_those_of_the_same_repetition) {
  const BenchRow row = summarize(series(ExpertPath::kFused, 0.2));
  EXPECT_DOUBLE_EQ(row.ms_median, 200);
  EXPECT_DOUBLE_EQ(row.ms_min, 200);
  EXPECT_DOUBLE_EQ(row.ms_max, 2000);
  EXPECT_DOUBLE_EQ(row.tok_s, 80);
  EXPECT_DOUBLE_EQ(row.gb_s, 5);
  EXPECT_DOUBLE_EQ(row.bandwidth_pct, 50);  // 50 % in every repetition, the slow one included
  EXPECT_DOUBLE_EQ(row.experts_mean, 104);
}

TEST(BenchReport, the_table_compares_every_path_with_fused) {
  BenchResult result;
  result.series = {series(ExpertPath::kUnfused, 0.3), series(ExpertPath::kFused, 0.2)};
  EXPECT_THAT(bench_table({}, result), HasSubstr("verify    s 16    unfused / fused  1.500  (1.500 to 1.500)"));
}

TEST(BenchReport, a_draft_is_compared_with_plain_tokens_of_the_same_repetition) {
  BenchResult result;
  result.series = {series(ExpertPath::kFused, 0.25)};
  EXPECT_THAT(bench_table({}, result), testing::Not(HasSubstr("plain tokens")));
  result.series[0].test = BenchTest::kDraft;
  EXPECT_THAT(bench_table({}, result), HasSubstr("15 drafted  fused    as long as 2.50 plain tokens"));
  EXPECT_EQ(bench_json({}, result)["rows"][0]["plain_tokens"], 2.5);
}

TEST(BenchReport, without_fused_there_is_nothing_to_compare_with) {
  BenchResult result;
  result.series = {series(ExpertPath::kUnfused, 0.3)};
  EXPECT_THAT(bench_table({}, result), testing::Not(HasSubstr("/ fused")));
}

TEST(BenchReport, json_gives_the_median_of_the_probe) {
  BenchResult result;
  result.series = {series(ExpertPath::kConcat, 0.2)};
  result.peak_resident_bytes = 7;
  const Json json =
      bench_json({.cpu = "c", .isa = "avx2", .threads = 2, .model = "m", .layers = 3, .weight_bytes = 5}, result);
  EXPECT_EQ(json["machine"]["read_gb_s"], 10);
  EXPECT_EQ(json["peak_rss_bytes"], 7);
  EXPECT_EQ(json["rows"][0]["bytes"], 1'000'000'000);
  EXPECT_EQ(json["rows"][0]["experts"], "concat");
}

// A step of 10 ms. 6 ms are in experts, at 60 % of the memory bandwidth and 50 % of the peak of the dot products. 3 ms
// are in norms.
BenchResult result_with_ops() {
  const OpTotals experts{.op = "experts",
                         .calls = 4,
                         .seconds = 6e-3,
                         .traffic = {.weight_bytes = 36'000'000, .barriers = 8, .int8_macs = 3'000'000'000}};
  const OpTotals norm{.op = "rms_norm", .calls = 8, .seconds = 3e-3, .traffic = {}};
  BenchSeries series{BenchTest::kDecode, ExpertPath::kFused, 1, 128, {{10e-3, 0, 1e9, 8, 10e9, 1e12, {experts, norm}}}};
  BenchResult result;
  result.series.push_back(series);
  return result;
}

TEST(BenchOps, shares_and_floors_add_up_to_the_step) {
  const std::vector<OpRow> rows = summarize_ops(result_with_ops().series.front());
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].op, "experts");
  EXPECT_DOUBLE_EQ(rows[0].ms, 6);
  EXPECT_DOUBLE_EQ(rows[0].bandwidth_pct, 60);
  EXPECT_DOUBLE_EQ(rows[0].floor_ms, 3.6);
  EXPECT_DOUBLE_EQ(rows[0].barriers, 8);
  EXPECT_DOUBLE_EQ(rows[0].peak_pct, 50);
  EXPECT_EQ(rows[2].op, "(between)");
  EXPECT_NEAR(rows[2].ms, 1, 1e-9);
  EXPECT_NEAR(rows[0].share_pct + rows[1].share_pct + rows[2].share_pct, 100, 1e-9);
}

TEST(BenchOps, the_floor_is_the_longer_of_memory_and_arithmetic) {
  BenchSeries series = result_with_ops().series.front();
  series.samples[0].ops[0].traffic.int8_macs = 5'000'000'000;
  EXPECT_DOUBLE_EQ(summarize_ops(series)[0].floor_ms, 5);
  series.samples[0].probe_macs_per_s = 0;  // a backend that does not measure its peak
  EXPECT_DOUBLE_EQ(summarize_ops(series)[0].floor_ms, 3.6);
  EXPECT_DOUBLE_EQ(summarize_ops(series)[0].peak_pct, 0);
}

TEST(BenchOps, the_chart_escapes_the_title_and_names_every_operation) {
  const std::string svg = ops_svg(result_with_ops(), "a<b>&c");
  EXPECT_THAT(svg, HasSubstr("a&lt;b>&amp;c"));
  EXPECT_THAT(svg, HasSubstr(">rms_norm</text>"));
  EXPECT_THAT(svg, HasSubstr("6.00 ms, 60 % of bandwidth"));
}

TEST(BenchOps, nothing_measured_gives_nothing) {
  BenchResult result;
  result.series = {series(ExpertPath::kFused, 0.2)};
  EXPECT_EQ(ops_table(result), "");
  EXPECT_TRUE(ops_json(result).empty());
}

BenchPlan plan_of(std::vector<int64_t> rows, int64_t context, int64_t reps) {
  BenchPlan plan;
  plan.rows = std::move(rows);
  plan.context = context;
  plan.reps = reps;
  return plan;
}

TEST(BenchPlan, room_is_for_the_longest_step_and_the_prompt) {
  BenchPlan plan = plan_of({1, 16}, 128, 20);
  EXPECT_EQ(context_needed(plan), 144);
  EXPECT_EQ(rows_needed(plan), 128);
  plan.drafts = {3, 20};
  EXPECT_EQ(context_needed(plan), 150);
  EXPECT_EQ(draft_rows_needed(plan), 21);
  plan.prefill = 2000;
  EXPECT_EQ(context_needed(plan), 2000);
  EXPECT_EQ(rows_needed(plan), 512);
}

TEST(BenchPlan, prompts_are_measured_a_fifth_as_often_but_not_less_than_three_times) {
  EXPECT_EQ(repetitions(plan_of({1}, 0, 50), BenchTest::kPrefill), 10);
  EXPECT_EQ(repetitions(plan_of({1}, 0, 10), BenchTest::kPrefill), 3);
  EXPECT_EQ(repetitions(plan_of({1}, 0, 1), BenchTest::kPrefill), 1);
  EXPECT_EQ(repetitions(plan_of({1}, 0, 10), BenchTest::kDecode), 10);
}

}  // namespace
}  // namespace moebius::internal::apps
