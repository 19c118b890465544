// Tests the scheduler on a fake model: which sequences run in which step, which wait, and how requests end.
// scheduler_model_test.cpp tests that none of this changes an answer.
#include "schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schedule/testing/scheduler_bench.h"

namespace moebius::internal::testing {
namespace {

using ::testing::HasSubstr;

// ---- batches

TEST(Scheduler, says_alone_what_the_model_says) {
  SchedulerBench bench;
  const RequestId id = bench.add(request(prompt_of(5), 20));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain_answer(request(prompt_of(5), 20), {}));
  EXPECT_EQ(bench.heard(id).tokens.size(), 20u);
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
}

TEST(Scheduler, gives_every_sequence_a_token_in_the_same_step) {
  SchedulerBench bench;
  const RequestId ids[] = {bench.add(request(prompt_of(5, 1), 10)), bench.add(request(prompt_of(7, 2), 10)),
                           bench.add(request(prompt_of(9, 3), 10))};
  bench.run();
  for (const RequestId id : ids) EXPECT_EQ(bench.heard(id).steps, bench.heard(ids[0]).steps);
  EXPECT_EQ(bench.model().steps(), 10);
  EXPECT_EQ(bench.model().rows(), 5 + 7 + 9 + 3 * 9);
}

TEST(Scheduler, has_nothing_to_do_without_requests) {
  SchedulerBench bench;
  EXPECT_FALSE(bench.step());
  bench.add(request(prompt_of(5), 2));
  bench.run();
  EXPECT_FALSE(bench.step());
}

TEST(Scheduler, runs_no_more_sequences_than_it_may_and_takes_the_others_in_order) {
  SchedulerBench bench({.max_sequences = 2});
  std::vector<RequestId> ids;
  for (uint32_t i = 1; i <= 4; ++i) ids.push_back(bench.add(request(prompt_of(5, i), 4)));
  bench.step();
  EXPECT_EQ(bench.scheduler().stats().running, 2);
  EXPECT_EQ(bench.scheduler().stats().waiting, 2);
  bench.run();
  EXPECT_EQ(bench.heard(ids[0]).steps, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(bench.heard(ids[1]).steps, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(bench.heard(ids[2]).steps, (std::vector<int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(bench.heard(ids[3]).steps, (std::vector<int64_t>{5, 6, 7, 8}));
}

// ---- prompts

TEST(Scheduler, takes_a_long_prompt_in_whole_steps_when_nobody_decodes) {
  SchedulerBench bench({.model = {.delta_layers = 0, .max_rows = 256}});
  const RequestId id = bench.add(request(prompt_of(1000), 1));
  bench.run();
  EXPECT_EQ(bench.heard(id).steps, (std::vector<int64_t>{4}));
}

TEST(Scheduler, goes_on_with_others_while_a_long_prompt_comes_in) {
  SchedulerBench bench({.prompt_rows = 50});
  const RequestId talker = bench.add(request(prompt_of(5, 1), 60));
  bench.step();
  const RequestId reader = bench.add(request(prompt_of(1000, 2), 5));
  bench.run();
  const auto& steps = bench.heard(talker).steps;
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], static_cast<int64_t>(i) + 1);
  // The prompt takes 20 pieces, and one more because a snapshot cuts a piece short.
  EXPECT_NEAR(static_cast<double>(bench.heard(reader).steps.front()), 21, 1);
}

TEST(Scheduler, takes_prompts_in_the_order_in_which_they_came) {
  SchedulerBench bench({.model = {.max_rows = 64}});
  const RequestId first = bench.add(request(prompt_of(300, 1), 3));
  const RequestId second = bench.add(request(prompt_of(300, 2), 3));
  bench.run();
  EXPECT_LT(bench.heard(first).steps.front(), bench.heard(second).steps.front());
}

TEST(Scheduler, takes_a_prompt_of_one_token) {
  SchedulerBench bench;
  const RequestId id = bench.add(request({3}, 5));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain_answer(request({3}, 5), {}));
}

// ---- ends

TEST(Scheduler, ends_with_a_stop_id_which_is_told) {
  SequenceSpec spec = request(prompt_of(5), 20);
  const auto plain = plain_answer(spec, {});
  spec.stop_ids = {plain[6]};
  const auto first = std::ranges::find(plain, plain[6]) - plain.begin();
  SchedulerBench bench;
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kStop);
  EXPECT_EQ(bench.heard(id).tokens, (std::vector<int32_t>{plain.begin(), plain.begin() + first + 1}));
}

TEST(Scheduler, ends_where_the_context_is_full) {
  SchedulerBench bench({.model = {.context = 300}});
  const RequestId id = bench.add(request(prompt_of(290), 100));
  const RequestId full = bench.add(request(prompt_of(300, 2), 100));
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.heard(id).tokens.size(), 11u);  // the last token is drawn behind the last position
  EXPECT_EQ(bench.heard(full).tokens.size(), 1u);
}

TEST(Scheduler, is_full_at_the_same_token_with_drafts) {
  const BenchOptions options{.model = {.context = 300, .head_accuracy = 1}};
  SchedulerBench bench(options);
  SequenceSpec spec = request(prompt_of(280), 100);
  const auto plain = plain_answer(spec, options.model);
  spec.speculation = parse_speculation_mode("mtp:15");
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain);
}

struct CancelCase {
  const char* name;
  int64_t prompt;
  int64_t steps;  // how many steps run before the request is cancelled
  size_t tokens;  // how many tokens the request has by then
};

class SchedulerCancel : public ::testing::TestWithParam<CancelCase> {};

TEST_P(SchedulerCancel, ends_with_what_it_has_and_gives_all_back) {
  SchedulerBench bench({.model = {.max_rows = 64}, .max_sequences = 1, .prefix_cache = false});
  const RequestId first = bench.add(request(prompt_of(GetParam().prompt), 10));
  const RequestId second = bench.add(request(prompt_of(5, 2), 3));
  for (int64_t i = 0; i < GetParam().steps; ++i) bench.step();
  bench.scheduler().cancel(first);
  bench.scheduler().cancel(first);
  bench.run();
  EXPECT_EQ(bench.heard(first).end, AnswerEnd::kCancelled);
  EXPECT_EQ(bench.heard(first).tokens.size(), GetParam().tokens);
  EXPECT_EQ(bench.heard(second).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.scheduler().stats().memory_used, 0);
}

INSTANTIATE_TEST_SUITE_P(Phases, SchedulerCancel,
                         ::testing::Values(CancelCase{"waiting", 5, 0, 0}, CancelCase{"prompt", 300, 2, 0},
                                           CancelCase{"decoding", 5, 4, 4}),
                         [](const auto& phase) { return phase.param.name; });

TEST(Scheduler, forgets_a_cancelled_request_that_waits_while_others_run) {
  SchedulerBench bench({.max_sequences = 1});
  const RequestId first = bench.add(request(prompt_of(5), 10));
  const RequestId second = bench.add(request(prompt_of(5, 2), 3));
  bench.step();
  bench.scheduler().cancel(second);
  bench.step();
  EXPECT_EQ(bench.heard(second).end, AnswerEnd::kCancelled);
  EXPECT_EQ(bench.heard(second).prompts, 0);
  EXPECT_EQ(bench.heard(first).end, AnswerEnd::kNone);
}

TEST(Scheduler, does_nothing_for_a_cancelled_request_that_it_does_not_know) {
  SchedulerBench bench;
  bench.scheduler().cancel(77);
  EXPECT_FALSE(bench.step());
}

// ---- NaN

TEST(Scheduler, ends_a_request_whose_logits_are_not_finite_and_no_other) {
  const BenchOptions options{.model = {.nan_token = 9}};
  auto good = prompt_of(300, 1);
  std::ranges::replace(good, 9, 10);
  SchedulerBench bench(options);
  SequenceSpec spec = request(good, 30);
  spec.sampling.logit_bias = {{9, -100}};  // token 9 is never drawn
  const auto plain = plain_answer(spec, options.model);
  const RequestId first = bench.add(std::move(spec));
  const RequestId second = bench.add(request({1, 2, 9, 3}, 30));
  bench.run();
  EXPECT_EQ(bench.heard(first).tokens, plain);
  EXPECT_EQ(bench.heard(first).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.heard(second).end, AnswerEnd::kFailed);
  EXPECT_EQ(bench.heard(second).error, ErrorCode::kNonFinite);
  EXPECT_THAT(bench.heard(second).message, HasSubstr("layer 2 (full attention), token 2"));
  EXPECT_EQ(bench.scheduler().stats().running, 0);
}

}  // namespace
}  // namespace moebius::internal::testing
