// ThreadPool: every thread runs once, barriers separate phases, counters hand out each chunk once.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace moebius {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsTheBodyOnceOnEachThread) {
  ThreadPool pool(GetParam());
  std::vector<int> calls(static_cast<size_t>(GetParam()), 0);
  for (int round = 1; round <= 100; ++round) {
    pool.run([&](int thread) { ++calls[static_cast<size_t>(thread)]; });
    for (const int count : calls) ASSERT_EQ(count, round);
  }
}

TEST_P(ThreadPoolTest, BarrierMakesTheWritesOfAPhaseVisibleToTheNext) {
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

TEST_P(ThreadPoolTest, CounterHandsOutEachChunkOnce) {
  ThreadPool pool(GetParam());
  Counter counter;
  std::vector<int> taken(1000, 0);
  pool.run([&](int) {
    for (int64_t i = counter.take(); i < 1000; i = counter.take()) ++taken[static_cast<size_t>(i)];
  });
  for (const int count : taken) EXPECT_EQ(count, 1);
}

TEST_P(ThreadPoolTest, WakesParkedThreads) {
  ThreadPool pool(GetParam());
  std::atomic<int> calls{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run([&](int) { calls.fetch_add(1); });
  }
  EXPECT_EQ(calls.load(), 3 * GetParam());
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 5));

TEST(DefaultThreadCount, IsAtLeastOneAndAtMostTheCpusOfTheMachine) {
  EXPECT_GE(default_thread_count(), 1);
  EXPECT_LE(default_thread_count(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace moebius
