// ThreadPool: every thread runs once, barriers separate phases, work items are handed out once each.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "base/work_items.h"

namespace moebius::internal {
namespace {

class ThreadPoolTest : public ::testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, runs_the_body_once_on_each_thread) {
  ThreadPool pool(GetParam());
  std::vector<int> calls(static_cast<size_t>(GetParam()), 0);
  for (int round = 1; round <= 100; ++round) {
    pool.run([&](int thread) { ++calls[static_cast<size_t>(thread)]; });
    for (const int count : calls) ASSERT_EQ(count, round);
  }
}

TEST_P(ThreadPoolTest, barrier_makes_the_writes_of_a_phase_visible_to_the_next) {
  const int threads = GetParam();
  ThreadPool pool(threads);
  std::vector<int> first(static_cast<size_t>(threads));
  std::vector<int> sums(static_cast<size_t>(threads));
  for (int round = 0; round < 200; ++round) {
    pool.run([&](int thread) {
      first[static_cast<size_t>(thread)] = round + thread;
      pool.barrier();
      sums[static_cast<size_t>(thread)] = std::accumulate(first.begin(), first.end(), 0);
      pool.barrier();
      first[static_cast<size_t>(thread)] = -1;
    });
    for (const int sum : sums) ASSERT_EQ(sum, threads * round + threads * (threads - 1) / 2);
  }
}

TEST_P(ThreadPoolTest, work_items_are_handed_out_once_each) {
  ThreadPool pool(GetParam());
  WorkItems items(GetParam());
  for (const int64_t n : {0, 1, 2, 7, 1000}) {
    std::vector<int> taken(static_cast<size_t>(n), 0);
    items.reset(n);
    pool.run([&](int thread) {
      for (int64_t i = items.claim(thread); i >= 0; i = items.claim(thread)) ++taken[static_cast<size_t>(i)];
    });
    for (const int count : taken) ASSERT_EQ(count, 1);
  }
}

TEST(WorkItems, own_ones_in_order_then_the_last_ones_of_others) {
  WorkItems items(2);
  items.reset(5);
  EXPECT_EQ(items.claim(1), 2);
  EXPECT_EQ(items.claim(1), 3);
  EXPECT_EQ(items.claim(1), 4);
  EXPECT_EQ(items.claim(1), 1);
  EXPECT_EQ(items.claim(0), 0);
  EXPECT_EQ(items.claim(0), -1);
  EXPECT_EQ(items.claim(1), -1);
}

TEST_P(ThreadPoolTest, wakes_parked_threads) {
  ThreadPool pool(GetParam());
  std::atomic<int> calls{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run([&](int) { calls.fetch_add(1); });
  }
  EXPECT_EQ(calls.load(), 3 * GetParam());
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, ::testing::Values(1, 2, 3, 5));

TEST(DefaultThreadCount, is_at_least_one_and_at_most_the_cpus_of_the_machine) {
  EXPECT_GE(default_thread_count(), 1);
  EXPECT_LE(default_thread_count(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace moebius::internal
