// Tests the memory of requests, on a scheduler with a fake model: what happens when memory runs out, and what the
// prefix cache saves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schedule/testing/scheduler_bench.h"

namespace moebius::internal::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// ---- memory

TEST(Scheduler, lets_the_youngest_wait_when_memory_is_full_and_takes_it_up_again) {
  // There is memory for two states and three pages. Each sequence starts with one page and later needs a second one.
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
  EXPECT_EQ(bench.heard(big).error, ErrorCode::kUnavailable);
  EXPECT_EQ(bench.heard(small).end, AnswerEnd::kLength);
}

TEST(Scheduler, fails_a_request_that_outgrows_all_memory_with_what_it_said) {
  SchedulerBench bench({.memory_bytes = bytes_of(1, 1)});
  const RequestId id = bench.add(request(prompt_of(200), 100));
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kFailed);
  EXPECT_EQ(bench.heard(id).error, ErrorCode::kUnavailable);
  EXPECT_GT(bench.heard(id).tokens.size(), 40u);
}

TEST(Scheduler, runs_what_fits_to_the_last_position) {
  SchedulerBench bench({.memory_bytes = bytes_of(1, 1)});
  const RequestId id = bench.add(request(prompt_of(200), 57));  // the last token is only drawn and needs no position
  bench.run();
  EXPECT_EQ(bench.heard(id).end, AnswerEnd::kLength);
  EXPECT_NO_THROW(bench.scheduler().check_fits(256));
  EXPECT_THROW(bench.scheduler().check_fits(257), Error);
}

// Two requests that start together have pages of the same tokens twice. The cache keeps the pages of the request that
// ends first. The fork makes the cache also take pages of the other request. They stand behind the common tokens, and
// the cache then holds pages of both requests.
TEST(Scheduler, drops_all_that_is_cached_for_a_last_request_that_needs_the_room) {
  const FakeOptions model{.delta_layers = 0};
  SchedulerBench bench({.model = model, .memory_bytes = bytes_of(0, 7, model)});
  const auto both = prompt_of(600);
  const auto prompt = joined(both, prompt_of(160, 3));
  bench.add(request(joined(both, prompt_of(100, 2)), 1));
  const RequestId id = bench.add(request(prompt, 400));
  while (bench.heard(id).tokens.empty()) bench.step();
  SequenceSpec fork = request(joined(prompt, bench.heard(id).tokens), 1);
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
    SequenceSpec spec = request(prompt_of(300, i), 150);
    spec.speculation = parse_speculation_mode("auto");
    bench.add(std::move(spec));
  }
  bench.run();
  const Stats stats = bench.scheduler().stats();
  EXPECT_EQ(stats.memory_used, bench.memory().cache_bytes());
  EXPECT_LE(bench.memory().states(), stats.snapshots + 2) << "and what the next ones are written to";
  EXPECT_EQ(stats.cached_tokens, 5 * 449);  // the last token of each request was not computed
  bench.destroy_scheduler();
  EXPECT_EQ(bench.memory().states(), 0);
  EXPECT_EQ(bench.memory().pages(), 0);
  EXPECT_EQ(bench.memory().logs(), 0);
  EXPECT_EQ(bench.memory().tensors(), 2);  // the tensors of the model itself
}

TEST(Scheduler, may_be_destroyed_in_the_middle) {
  SchedulerBench bench({.max_sequences = 2});
  for (uint32_t i = 1; i < 4; ++i) {
    SequenceSpec spec = request(prompt_of(300, i), 50);
    spec.speculation = parse_speculation_mode("mtp:3");
    bench.add(std::move(spec));
  }
  for (int64_t i = 0; i < 10; ++i) bench.step();
  bench.destroy_scheduler();
  EXPECT_EQ(bench.memory().states() + bench.memory().pages() + bench.memory().logs(), 0);
  EXPECT_EQ(bench.memory().tensors(), 2);
}

// ---- sharing

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

TEST(Scheduler, reuses_a_prompt_without_boundaries_whatever_was_answered) {
  for (const int64_t answer : {30, 200, 1500}) {
    SchedulerBench bench;
    bench.add(request(prompt_of(300), answer));
    bench.run();
    const RequestId second = bench.add(request(prompt_of(300), 5));
    bench.run();
    EXPECT_EQ(bench.heard(second).usage.reused_tokens, 299) << answer;
  }
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
  SequenceSpec spec = request(joined(both, prompt_of(400, 2)), 5);
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
  EXPECT_EQ(bench.scheduler().stats().snapshots, 0);
}

TEST(Scheduler, reuses_nothing_when_asked_not_to) {
  SchedulerBench bench;
  bench.add(request(prompt_of(300), 5));
  bench.run();
  SequenceSpec spec = request(prompt_of(300), 5);
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
  SequenceSpec spec = request(joined(joined(prompt_of(300), bench.heard(parent).tokens), {5}), 10);
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
  SequenceSpec spec = request(joined(prompt_of(300), bench.heard(parent).tokens), 10);
  spec.prompt.resize(310);
  spec.parent = parent;
  const auto plain = plain_answer(spec, {});
  const RequestId child = bench.add(std::move(spec));
  bench.run();
  EXPECT_EQ(bench.heard(child).usage.reused_tokens, 309);
  EXPECT_EQ(bench.heard(child).tokens, plain);
}

}  // namespace
}  // namespace moebius::internal::testing
