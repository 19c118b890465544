// Tests requests from many threads while one thread steps. scheduler_model_test.cpp tests that scheduling never changes
// an answer, and answers_test.cpp tests answers as text.
#include "engine/engine_core.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "schedule/testing/fake_model.h"

namespace moebius::internal::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kRequests = 12;  // of each thread

// An engine core with its own fake model.
struct Bench {
  explicit Bench(const char* speculation, bool prefix_cache = true, const FakeOptions& options = {})
      : model(backend, options),
        core({.model = &model,
              .backend = &backend,
              .text = std::nullopt,
              .stop_ids = {FakeModel::kStop},
              .speculation = parse_speculation_mode(speculation),
              .scheduler = {.memory_bytes = int64_t{1} << 30,
                            .max_sequences = 6,
                            .prompt_rows = 16,
                            .prefix_cache = prefix_cache,
                            .clock = [this] { return model.now(); },
                            .name = "fake"}}) {}

  FakeBackend backend;
  FakeModel model;
  EngineCore core;
};

Request request_of(int thread, int index) {
  Request request;
  const int length = 3 + (thread * 37 + index * 101) % 320;
  for (int i = 0; i < length; ++i) request.tokens.push_back(8 + i * (1 + index % 2) % 40);
  request.sampling.temperature = index % 3 == 0 ? 0.0f : 0.9f;
  request.sampling.seed = static_cast<uint64_t>(thread);
  request.max_tokens = 5 + index;
  return request;
}

std::vector<int32_t> answer_alone(const Request& request) {
  Bench bench("none", false);
  bench.core.submit(request);
  std::vector<int32_t> answer;
  while (bench.core.step()) {
    for (const Event& event : bench.core.drain_events()) {
      if (const auto* draw = std::get_if<Draw>(&event.what)) answer.push_back(draw->token);
    }
  }
  return answer;
}

struct Heard {
  std::vector<int32_t> tokens;
  AnswerEnd end = AnswerEnd::kNone;
};

// Collects events until all requests of the threads have ended.
std::map<RequestId, Heard> listen(EngineCore& core, int requests) {
  std::map<RequestId, Heard> heard;
  for (int ended = 0; ended < requests;) {
    for (const Event& event : core.drain_events()) {
      Heard& one = heard[event.request];
      if (const auto* draw = std::get_if<Draw>(&event.what)) one.tokens.push_back(draw->token);
      const auto* end = std::get_if<EndEvent>(&event.what);
      if (end == nullptr) continue;
      one.end = end->end;
      ++ended;
    }
    std::this_thread::yield();
  }
  return heard;
}

TEST(EngineCore, gives_requests_of_many_threads_the_answers_that_each_has_alone) {
  Bench bench("auto");
  std::atomic<bool> done = false;
  std::vector<std::map<RequestId, int>> submitted(kThreads);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!done) {
      if (!bench.core.step()) std::this_thread::yield();
    }
  });
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kRequests; ++i) {
        const RequestId id = bench.core.submit(request_of(thread, i));
        submitted[static_cast<size_t>(thread)][id] = i;
        if (i % 4 == 3) bench.core.cancel(id);
        EXPECT_LE(bench.core.stats().running, 6);
      }
    });
  }
  const std::map<RequestId, Heard> heard = listen(bench.core, kThreads * kRequests);
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (int thread = 0; thread < kThreads; ++thread) {
    for (const auto& [id, index] : submitted[static_cast<size_t>(thread)]) {
      std::vector<int32_t> alone = answer_alone(request_of(thread, index));
      const Heard& one = heard.at(id);
      if (one.end == AnswerEnd::kCancelled) alone.resize(std::min(alone.size(), one.tokens.size()));
      EXPECT_EQ(one.tokens, alone) << "thread " << thread << ", request " << index;
    }
  }
}

TEST(EngineCore, refuses_a_request_before_it_is_queued) {
  Bench bench("auto");
  EXPECT_THROW(bench.core.submit({}), Error);
  Request request = request_of(0, 0);
  request.max_tokens = 0;
  EXPECT_THROW(bench.core.submit(request), Error);
  request = request_of(0, 0);
  request.tokens.push_back(1 << 20);
  EXPECT_THROW(bench.core.submit(request), Error);
  request = request_of(0, 0);
  request.speculation = SpeculationMode{.mtp = true, .depth = SpeculationMode::kMaxDepth + 1};
  EXPECT_THROW(bench.core.submit(request), Error);
  EXPECT_FALSE(bench.core.step());
}

TEST(EngineCore, refuses_to_draft_with_a_head_that_is_not_there) {
  Bench bench("auto", true, {.has_head = false});
  Request request = request_of(0, 0);
  request.speculation = parse_speculation_mode("mtp:2");
  EXPECT_THROW(bench.core.submit(request), Error);
  request.speculation = kSpeculateFreely;
  EXPECT_NO_THROW(bench.core.submit(request));
  EXPECT_THROW(Bench("mtp", true, {.has_head = false}), Error);
}

TEST(EngineCore, forks_what_has_ended_as_long_as_it_is_remembered) {
  Bench bench("none");
  const RequestId first = bench.core.submit(request_of(0, 0));
  while (bench.core.step()) continue;
  const auto length = std::ssize(bench.core.tokens(first));
  EXPECT_THROW(bench.core.fork(first, length + 1, {}), Error);
  EXPECT_THROW(bench.core.fork(first + 100, 1, {}), Error);
  const RequestId fork = bench.core.fork(first, length, {});
  while (bench.core.step()) continue;
  EXPECT_GT(std::ssize(bench.core.tokens(fork)), length);
  for (size_t i = 0; i < EngineCore::kRemembered; ++i) {
    bench.core.submit(request_of(1, 0));
    while (bench.core.step()) continue;
  }
  EXPECT_THROW(bench.core.fork(first, 1, {}), Error);
}

}  // namespace
}  // namespace moebius::internal::testing
