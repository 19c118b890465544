// The scheduler on a fake model: who runs in which step, who waits, what is shared, and how requests end. That all of
// this never changes an answer is scheduler_model_test.cpp's.
#include "engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/scheduler_bench.h"

namespace moebius::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

StreamSpec request(std::vector<int32_t> prompt, int64_t max_tokens) {
  StreamSpec spec;
  spec.prompt = std::move(prompt);
  spec.max_tokens = max_tokens;
  return spec;
}

// Bytes of so many states and pages.
int64_t bytes_of(int64_t states, int64_t pages, const FakeOptions& options = {}) {
  FakeBackend backend;
  const FakeModel model(backend, options);
  return states * model.state_spec().recurrent_bytes() + pages * model.state_spec().page_bytes();
}

std::vector<int32_t> joined(std::vector<int32_t> first, const std::vector<int32_t>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// ---- batches

TEST(Scheduler, says_alone_what_the_model_says) {
  SchedulerBench bench;
  const RequestId id = bench.add(request(prompt_of(5), 20));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain_answer(request(prompt_of(5), 20), {}));
  EXPECT_EQ(bench.heard(id).tokens.size(), 20u);
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
}

TEST(Scheduler, gives_every_stream_a_token_in_the_same_step) {
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

TEST(Scheduler, runs_no_more_streams_than_it_may_and_takes_the_others_in_order) {
  SchedulerBench bench({.max_streams = 2});
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
  // 20 pieces, and one more as a checkpoint cuts a piece short.
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
  StreamSpec spec = request(prompt_of(5), 20);
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
  EXPECT_EQ(bench.heard(id).tokens.size(), 11u);  // the last one is drawn behind the last position
  EXPECT_EQ(bench.heard(full).tokens.size(), 1u);
}

TEST(Scheduler, is_full_at_the_same_token_with_drafts) {
  const BenchOptions options{.model = {.context = 300, .head_accuracy = 1}};
  SchedulerBench bench(options);
  StreamSpec spec = request(prompt_of(280), 100);
  const auto plain = plain_answer(spec, options.model);
  spec.speculation = parse_speculation_mode("mtp:15");
  const RequestId id = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(id).tokens, plain);
}

struct CancelCase {
  const char* name;
  int64_t prompt;
  int64_t steps;  // before it is cancelled
  size_t tokens;  // that it had
};

class SchedulerCancel : public ::testing::TestWithParam<CancelCase> {};

TEST_P(SchedulerCancel, ends_with_what_it_has_and_gives_all_back) {
  SchedulerBench bench({.model = {.max_rows = 64}, .max_streams = 1, .prefix_cache = false});
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
  SchedulerBench bench({.max_streams = 1});
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

// ---- memory

TEST(Scheduler, lets_the_youngest_wait_when_memory_is_full_and_takes_it_up_again) {
  // Two states, and three pages: each stream starts with one and wants a second.
  SchedulerBench bench({.memory_bytes = bytes_of(2, 3), .prefix_cache = false});
  const RequestId old = bench.add(request(prompt_of(200, 1), 100));
  const RequestId young = bench.add(request(prompt_of(200, 2), 100));
  bench.run();
  EXPECT_EQ(bench.heard(old).usage.preempted, 0);
  EXPECT_EQ(bench.heard(young).usage.preempted, 1);
  EXPECT_EQ(bench.heard(young).prompts, 1);
  EXPECT_EQ(bench.heard(old).tokens, plain_answer(request(prompt_of(200, 1), 100), {}));
  EXPECT_EQ(bench.heard(young).tokens, plain_answer(request(prompt_of(200, 2), 100), {}));
  EXPECT_EQ(bench.scheduler().stats().preempted, 1);
  EXPECT_EQ(bench.scheduler().stats().memory_used, 0);
}

TEST(Scheduler, makes_room_by_dropping_cached_prefixes_first) {
  SchedulerBench bench({.memory_bytes = bytes_of(2, 3)});
  bench.add(request(prompt_of(700, 1), 2));
  bench.run();
  EXPECT_GT(bench.scheduler().stats().cached_tokens, 0);
  const RequestId id = bench.add(request(prompt_of(700, 2), 2));
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.heard(id).usage.preempted, 0);
}

TEST(Scheduler, refuses_what_can_never_fit_and_goes_on_with_the_next) {
  SchedulerBench bench({.memory_bytes = bytes_of(1, 2)});
  const RequestId big = bench.add(request(prompt_of(600), 5));
  const RequestId small = bench.add(request(prompt_of(100), 5));
  bench.run();
  EXPECT_EQ(bench.heard(big).end, AnswerEnd::kFailed);
  ASSERT_TRUE(bench.heard(big).error);
  EXPECT_EQ(bench.heard(big).error->code(), ErrorCode::kUnavailable);
  EXPECT_EQ(bench.heard(small).end, AnswerEnd::kLength);
}

TEST(Scheduler, fails_a_request_that_outgrows_all_memory_with_what_it_said) {
  SchedulerBench bench({.memory_bytes = bytes_of(1, 1)});
  const RequestId id = bench.add(request(prompt_of(200), 100));
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kFailed);
  EXPECT_EQ(bench.heard(id).error->code(), ErrorCode::kUnavailable);
  EXPECT_GT(bench.heard(id).tokens.size(), 40u);
}

TEST(Scheduler, runs_what_fits_to_the_last_position) {
  SchedulerBench bench({.memory_bytes = bytes_of(1, 1)});
  const RequestId id = bench.add(request(prompt_of(200), 57));  // the last one is only drawn
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_NO_THROW(bench.scheduler().check_fits(256));
  EXPECT_THROW(bench.scheduler().check_fits(257), Error);
}

// Two requests that came together have the same pages twice. The cache keeps those of the first to end; what a fork
// made it take of the other stands behind them and holds on to both.
TEST(Scheduler, drops_all_that_is_cached_for_a_last_request_that_needs_the_room) {
  const FakeOptions model{.delta_layers = 0};
  SchedulerBench bench({.model = model, .memory_bytes = bytes_of(0, 7, model)});
  const auto both = prompt_of(600);
  const auto prompt = joined(both, prompt_of(160, 3));
  bench.add(request(joined(both, prompt_of(100, 2)), 1));
  const RequestId id = bench.add(request(prompt, 400));
  while (bench.heard(id).tokens.empty()) bench.step();
  StreamSpec fork = request(joined(prompt, bench.heard(id).tokens), 1);
  fork.parent = id;
  const RequestId child = bench.add(std::move(fork));
  bench.run();
  EXPECT_GT(bench.heard(child).usage.reused_tokens, 700);
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.heard(id).tokens, plain_answer(request(prompt, 400), model));
}

TEST(Scheduler, holds_what_the_cache_says_when_nobody_runs_and_nothing_at_the_end) {
  SchedulerBench bench;
  for (uint32_t i = 1; i < 6; ++i) {
    StreamSpec spec = request(prompt_of(300, i), 150);
    spec.speculation = parse_speculation_mode("auto");
    bench.add(std::move(spec));
  }
  bench.run();
  const Stats stats = bench.scheduler().stats();
  EXPECT_EQ(stats.memory_used, bench.backend().cache_bytes() + bench.model().logged_bytes());
  EXPECT_EQ(bench.backend().states(), stats.checkpoints);
  EXPECT_EQ(stats.cached_tokens, 5 * 449);  // the last token of each was not computed
  bench.destroy_scheduler();
  EXPECT_EQ(bench.backend().states(), 0);
  EXPECT_EQ(bench.backend().pages(), 0);
  EXPECT_EQ(bench.backend().tensors(), 2);  // the model's own
}

TEST(Scheduler, may_be_destroyed_in_the_middle) {
  SchedulerBench bench({.max_streams = 2});
  for (uint32_t i = 1; i < 4; ++i) {
    StreamSpec spec = request(prompt_of(300, i), 50);
    spec.speculation = parse_speculation_mode("mtp:3");
    bench.add(std::move(spec));
  }
  for (int64_t i = 0; i < 10; ++i) bench.step();
  bench.destroy_scheduler();
  EXPECT_EQ(bench.backend().states() + bench.backend().pages(), 0);
  EXPECT_EQ(bench.backend().tensors(), 2);
}

// ---- what is shared

TEST(Scheduler, reuses_all_of_a_known_prompt_but_its_last_token) {
  SchedulerBench bench;
  const RequestId first = bench.add(request(prompt_of(300), 5));
  bench.run();
  const int64_t rows = bench.model().rows();
  const RequestId second = bench.add(request(prompt_of(300), 5));
  bench.run();
  EXPECT_EQ(bench.heard(first).usage.reused_tokens, 0);
  EXPECT_THAT(bench.heard(first).usage.prefix_miss_reason, HasSubstr("nothing that begins like this"));
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 299);
  EXPECT_THAT(bench.heard(second).usage.prefix_miss_reason, IsEmpty());
  EXPECT_EQ(bench.model().rows() - rows, 1 + 4);
  EXPECT_EQ(bench.heard(second).tokens, bench.heard(first).tokens);
}

TEST(Scheduler, goes_on_from_an_answer) {
  SchedulerBench bench;
  const RequestId first = bench.add(request(prompt_of(300), 30));
  bench.run();
  const auto longer = joined(joined(prompt_of(300), bench.heard(first).tokens), {1, 2, 3});
  const RequestId second = bench.add(request(longer, 5));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 329);
  EXPECT_THAT(bench.heard(second).usage.prefix_miss_reason, HasSubstr("at token 329"));
  EXPECT_EQ(bench.heard(second).tokens, plain_answer(request(longer, 5), {}));
}

TEST(Scheduler, reuses_up_to_where_a_prompt_parts_from_what_is_cached) {
  const auto both = prompt_of(300);
  SchedulerBench bench;
  StreamSpec spec = request(joined(both, prompt_of(400, 2)), 5);
  spec.boundaries = {300};
  bench.add(std::move(spec));
  bench.run();
  const RequestId second = bench.add(request(joined(both, {1, 2, 3}), 5));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 300);
  EXPECT_THAT(bench.heard(second).usage.prefix_miss_reason, HasSubstr("parts from what is cached at token 300"));
}

TEST(Scheduler, says_so_when_the_state_is_not_kept_where_a_prompt_parts) {
  const auto both = prompt_of(300);
  SchedulerBench bench;
  bench.add(request(joined(both, prompt_of(400, 2)), 5));
  bench.run();
  const RequestId second = bench.add(request(joined(both, {1, 2, 3}), 5));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 0);
  EXPECT_THAT(bench.heard(second).usage.prefix_miss_reason, HasSubstr("300 tokens are known"));
}

TEST(Scheduler, reuses_any_prefix_of_a_model_without_recurrent_state) {
  const auto both = prompt_of(300);
  SchedulerBench bench({.model = {.delta_layers = 0}});
  bench.add(request(joined(both, prompt_of(400, 2)), 5));
  bench.run();
  const RequestId second = bench.add(request(joined(both, {1, 2, 3}), 5));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 300);
  EXPECT_EQ(bench.scheduler().stats().checkpoints, 0);
}

TEST(Scheduler, reuses_nothing_when_asked_not_to) {
  SchedulerBench bench;
  bench.add(request(prompt_of(300), 5));
  bench.run();
  StreamSpec spec = request(prompt_of(300), 5);
  spec.use_prefix_cache = false;
  const RequestId second = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(second).usage.reused_tokens, 0);
  EXPECT_THAT(bench.heard(second).usage.prefix_miss_reason, HasSubstr("off"));
}

TEST(Scheduler, forks_from_a_running_request_without_computing_what_it_has) {
  SchedulerBench bench;
  const RequestId parent = bench.add(request(prompt_of(300), 50));
  for (int64_t i = 0; i < 20; ++i) bench.step();
  StreamSpec spec = request(joined(joined(prompt_of(300), bench.heard(parent).tokens), {5}), 10);
  spec.parent = parent;
  const auto plain = plain_answer(spec, {});
  const int64_t length = std::ssize(spec.prompt);
  const RequestId child = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(child).usage.reused_tokens, length - 2);  // the parent's last token is drawn, not computed
  EXPECT_EQ(bench.heard(child).tokens, plain);
  EXPECT_EQ(bench.heard(parent).tokens, plain_answer(request(prompt_of(300), 50), {}));
}

TEST(Scheduler, forks_from_a_finished_request) {
  SchedulerBench bench;
  const RequestId parent = bench.add(request(prompt_of(300), 20));
  bench.run();
  StreamSpec spec = request(joined(prompt_of(300), bench.heard(parent).tokens), 10);
  spec.prompt.resize(310);
  spec.parent = parent;
  const auto plain = plain_answer(spec, {});
  const RequestId child = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(child).usage.reused_tokens, 309);
  EXPECT_EQ(bench.heard(child).tokens, plain);
}

// ---- NaN

TEST(Scheduler, ends_a_request_whose_logits_are_not_finite_and_no_other) {
  const BenchOptions options{.model = {.nan_token = 9}};
  auto good = prompt_of(300, 1);
  std::ranges::replace(good, 9, 10);
  SchedulerBench bench(options);
  StreamSpec spec = request(good, 30);
  spec.sampling.logit_bias = {{9, -100}};  // it never says it
  const auto plain = plain_answer(spec, options.model);
  const RequestId first = bench.add(std::move(spec));
  const RequestId second = bench.add(request({1, 2, 9, 3}, 30));
  bench.run();
  EXPECT_EQ(bench.heard(first).tokens, plain);
  EXPECT_EQ(bench.heard(first).end, AnswerEnd::kLength);
  EXPECT_EQ(bench.heard(second).end, AnswerEnd::kFailed);
  ASSERT_TRUE(bench.heard(second).error);
  EXPECT_EQ(bench.heard(second).error->code(), ErrorCode::kNonFinite);
  EXPECT_THAT(bench.heard(second).error->what(), HasSubstr("layer 2 (full attention), token 2"));
  EXPECT_EQ(bench.scheduler().stats().running, 0);
}

}  // namespace
}  // namespace moebius::testing
