// Tests the scheduler with drafts. Drafts save steps and never change a token.
#include <gtest/gtest.h>

#include <algorithm>

#include "schedule/testing/scheduler_bench.h"
#include "speculate/oracle_drafts.h"

namespace moebius::internal::testing {
namespace {

SequenceSpec request(int64_t prompt, int64_t max_tokens, const char* mode, uint32_t seed = 1) {
  SequenceSpec spec;
  spec.prompt = prompt_of(prompt, seed);
  spec.max_tokens = max_tokens;
  spec.speculation = parse_speculation_mode(mode);
  return spec;
}

void draft_from_oracle(SequenceSpec& spec, const std::vector<int32_t>& plain, const OracleErrors& errors) {
  spec.drafts = [oracle = OracleDrafts(plain, errors), start = std::ssize(spec.prompt)](
                    int64_t position, int64_t most) { return oracle.propose(position - start, most); };
}

TEST(SchedulerDrafts, saves_the_steps_of_drafts_that_are_all_right) {
  SequenceSpec spec = request(300, 64, "ngram:7");
  const auto plain = plain_answer(spec, {});
  draft_from_oracle(spec, plain, {.rate = 0});
  SchedulerBench bench;
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain);
  EXPECT_EQ(bench.heard(id).usage.steps, 9);  // the prompt's step draws 1 token, and 8 steps draw the other 63
  EXPECT_EQ(bench.heard(id).usage.accepted, bench.heard(id).usage.drafted);
}

TEST(SchedulerDrafts, takes_drafts_of_a_head_that_is_always_right) {
  const BenchOptions options{.model = {.head_accuracy = 1}};
  SequenceSpec spec = request(300, 64, "mtp:7");
  const auto plain = plain_answer(spec, options.model);
  SchedulerBench bench(options);
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain);
  EXPECT_EQ(bench.heard(id).usage.steps, 9);
  EXPECT_EQ(bench.heard(id).usage.accepted, bench.heard(id).usage.drafted);
}

TEST(SchedulerDrafts, accepts_as_often_as_a_sampled_head_is_right) {
  const BenchOptions options{.model = {.head_accuracy = 0.7}};
  SchedulerBench bench(options);
  SequenceSpec spec = request(300, 2000, "mtp:1");
  spec.sampling.temperature = 2;
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  const Usage& usage = bench.heard(id).usage;
  EXPECT_NEAR(static_cast<double>(usage.accepted) / static_cast<double>(usage.drafted), 0.7, 0.08);
}

// The pages of the head have every pair of hidden state and next token before the head reads it.
TEST(SchedulerDrafts, lets_the_head_see_every_token) {
  for (const char* mode : {"mtp:1", "mtp:4", "mtp:15", "mtp", "auto"}) {
    SCOPED_TRACE(mode);
    SchedulerBench bench({.model = {.max_rows = 64}});
    bench.add(request(300, 400, mode, 1));
    bench.add(request(200, 300, mode, 2));
    bench.run();
    EXPECT_GT(bench.model().head_steps(), 0);
    EXPECT_EQ(bench.model().head_gaps(), 0);
  }
}

TEST(SchedulerDrafts, lets_the_head_see_what_a_hit_has_in_its_pages) {
  SchedulerBench bench;
  bench.add(request(300, 40, "mtp:3"));
  bench.run();
  const RequestId second = bench.add(request(300, 40, "mtp:3"));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 299);
  EXPECT_EQ(bench.model().head_gaps(), 0);
}

// The state behind each of the newest tokens can be restored, no matter which drafts were verified between them.
TEST(SchedulerDrafts, leaves_a_right_state_behind_every_token) {
  const FakeOptions model{.head_accuracy = 0.5};
  SchedulerBench bench({.model = model});
  const RequestId parent = bench.add(request(300, 100, "mtp:5"));
  bench.run();
  std::vector<int32_t> all = prompt_of(300);
  const auto& said = bench.heard(parent).tokens;
  all.insert(all.end(), said.begin(), said.end());
  ASSERT_GT(bench.heard(parent).usage.drafted, 2 * bench.heard(parent).usage.accepted);
  for (size_t length = 340; length <= all.size(); ++length) {
    SequenceSpec spec;
    spec.prompt.assign(all.begin(), all.begin() + static_cast<int64_t>(length));
    spec.max_tokens = 3;
    const auto plain = plain_answer(spec, model);
    const RequestId id = bench.add(std::move(spec));
    bench.run();
    EXPECT_EQ(bench.heard(id).usage.reused_tokens, static_cast<int64_t>(length) - 1);
    EXPECT_EQ(bench.heard(id).tokens, plain) << length;
  }
}

TEST(SchedulerDrafts, lets_the_head_of_a_fork_see_what_its_parent_has_drafted) {
  SchedulerBench bench;
  const RequestId parent = bench.add(request(300, 60, "mtp:3"));
  for (int64_t i = 0; i < 10; ++i) bench.step();
  SequenceSpec spec = request(300, 40, "mtp:3");
  const auto& said = bench.heard(parent).tokens;
  spec.prompt.insert(spec.prompt.end(), said.begin(), said.end());
  spec.prompt.insert(spec.prompt.end(), {1, 2, 3});
  spec.parent = parent;
  const int64_t known = std::ssize(spec.prompt) - 4;
  const RequestId child = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(child).usage.reused_tokens, known);
  EXPECT_EQ(bench.model().head_gaps(), 0);
}

struct DraftCase {
  const char* mode;
  double rate;
  int64_t burst;
};

class SchedulerOracle : public ::testing::TestWithParam<DraftCase> {};

TEST_P(SchedulerOracle, says_what_plain_decoding_says) {
  const DraftCase& draft = GetParam();
  SchedulerBench bench;
  std::vector<std::pair<RequestId, std::vector<int32_t>>> expected;
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    SequenceSpec spec = request(250 + 4 * seed, 200, draft.mode, seed);
    spec.sampling.temperature = static_cast<float>(seed - 1);
    auto plain = plain_answer(spec, {});
    draft_from_oracle(spec, plain, {.rate = draft.rate, .burst = draft.burst, .seed = seed});
    expected.emplace_back(bench.add(std::move(spec)), std::move(plain));
  }
  bench.run();
  for (const auto& [id, plain] : expected) EXPECT_EQ(bench.heard(id).tokens, plain);
}

INSTANTIATE_TEST_SUITE_P(Errors, SchedulerOracle,
                         ::testing::Values(DraftCase{"ngram:15", 0, 0}, DraftCase{"ngram:4", 0.3, 0},
                                           DraftCase{"ngram", 0, 0}, DraftCase{"ngram", 0.3, 0},
                                           DraftCase{"ngram", 0.7, 0}, DraftCase{"ngram", 0.95, 0},
                                           DraftCase{"ngram", 0, 40}, DraftCase{"auto", 0.3, 20}));

// Returns how many seconds of the simulated clock 400 tokens take with drafts of this quality.
double seconds_with(const char* mode, double rate, int64_t burst = 0) {
  SequenceSpec spec = request(20, 400, mode);
  draft_from_oracle(spec, plain_answer(spec, {}), {.rate = rate, .burst = burst, .seed = 3});
  SchedulerBench bench({.model = {.has_head = false}});
  bench.add(std::move(spec));
  bench.run();
  return bench.model().now();
}

TEST(SchedulerDrafts, is_faster_with_good_drafts_and_not_slower_with_bad_ones) {
  const double plain = seconds_with("none", 0);
  EXPECT_LT(seconds_with("ngram", 0), 0.4 * plain);
  EXPECT_LT(seconds_with("ngram", 0.3), 0.8 * plain);
  EXPECT_LT(seconds_with("ngram", 0.95), 1.03 * plain);
  EXPECT_LT(seconds_with("ngram", 1), 1.03 * plain);
  EXPECT_LT(seconds_with("ngram", 0, 40), plain);
}

TEST(SchedulerDrafts, gives_a_sequence_on_auto_its_drafts_beside_one_of_fixed_depth) {
  SchedulerBench bench({.model = {.has_head = false}});
  std::vector<RequestId> ids;
  for (const char* mode : {"ngram:2", "auto"}) {
    SequenceSpec spec = request(300, 400, mode);
    draft_from_oracle(spec, plain_answer(spec, {}), {.rate = 0});
    ids.push_back(bench.add(std::move(spec)));
  }
  for (int step = 0; step < 60; ++step) bench.step();
  EXPECT_LT(bench.heard(ids[0]).tokens.size(), 180u);  // at most 3 tokens in each of the 60 steps
  EXPECT_GT(bench.heard(ids[1]).tokens.size(), 250u);
  bench.run();
  EXPECT_EQ(bench.heard(ids[0]).tokens, bench.heard(ids[1]).tokens);
}

// Returns how often the scheduler asks for drafts in 400 steps, when there is never a draft and each question takes
// `seconds`.
int64_t plans_of_400_steps(double seconds) {
  SchedulerBench bench({.model = {.has_head = false}});
  SequenceSpec spec = request(20, 401, "ngram");
  int64_t plans = 0;
  spec.drafts = [&](int64_t, int64_t) {
    ++plans;
    bench.model().pass(seconds);
    return std::vector<int32_t>();
  };
  bench.add(std::move(spec));
  bench.run();
  return plans;
}

TEST(SchedulerDrafts, pauses_between_plans_that_take_long_and_bring_nothing) {
  const double step = FakeOptions().step_seconds(1);
  EXPECT_GE(plans_of_400_steps(0.0001 * step), 399);
  EXPECT_NEAR(static_cast<double>(plans_of_400_steps(0.0155 * step)), 100, 5);
  EXPECT_LE(plans_of_400_steps(step), 50);
}

TEST(SchedulerDrafts, drafts_nothing_where_the_model_takes_no_rows_back) {
  SchedulerBench bench({.model = {.draft_rows = 0}});
  const RequestId id = bench.add(request(300, 30, "mtp:3"));
  bench.run();
  EXPECT_EQ(bench.heard(id).usage.drafted, 0);
  EXPECT_EQ(bench.heard(id).tokens.size(), 30u);
}

TEST(SchedulerDrafts, drafts_nothing_with_a_head_that_is_not_there) {
  SchedulerBench bench({.model = {.has_head = false}});
  const RequestId id = bench.add(request(300, 30, "mtp:3"));
  bench.run();
  EXPECT_EQ(bench.heard(id).usage.drafted, 0);
  EXPECT_EQ(bench.heard(id).tokens.size(), 30u);
}

TEST(SchedulerDrafts, goes_on_without_drafts_when_the_head_is_not_finite) {
  const FakeOptions model{.head_accuracy = 1, .head_nan_token = 9};
  SequenceSpec spec = request(300, 200, "mtp:5");
  const auto plain = plain_answer(spec, model);
  ASSERT_TRUE(std::ranges::find(plain, 9) != plain.end());
  SchedulerBench bench({.model = model});
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain);
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_GT(bench.heard(id).usage.accepted, 100);
}

// A stop id in the middle of a draft ends the answer. The drafted tokens behind it are not reported.
TEST(SchedulerDrafts, ends_in_the_middle_of_a_draft) {
  SequenceSpec spec = request(300, 64, "ngram:15");
  const auto plain = plain_answer(spec, {});
  draft_from_oracle(spec, plain, {.rate = 0});
  spec.stop_ids = {plain[20]};
  const auto first = std::ranges::find(plain, plain[20]) - plain.begin();
  SchedulerBench bench;
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, (std::vector<int32_t>{plain.begin(), plain.begin() + first + 1}));
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kStop);
}

TEST(SchedulerDrafts, verifies_no_more_rows_than_the_model_gives_logits_of) {
  SchedulerBench bench({.model = {.head_accuracy = 0.9}, .max_sequences = 16});
  std::vector<RequestId> ids;
  for (uint32_t seed = 1; seed <= 16; ++seed) ids.push_back(bench.add(request(20, 50, "mtp:15", seed)));
  bench.run();
  for (uint32_t seed = 1; seed <= 16; ++seed) {
    EXPECT_EQ(bench.heard(ids[seed - 1]).tokens, plain_answer(request(20, 50, "none", seed), {}));
  }
}

}  // namespace
}  // namespace moebius::internal::testing
