// Tests that steps allocate nothing. Memory for the largest step is reserved when a model is loaded. A step of a size
// that ran before allocates nothing, so a device can replay it.
#include <gtest/gtest.h>

#include <numeric>

#include "backend/cpu/cpu.h"
#include "base/testing/allocation_meter.h"
#include "model/testing/tiny_model.h"

namespace moebius::internal {
namespace {

using namespace testing;

constexpr int64_t kRows = 16;

// The bytes that the second of two equal steps allocated.
size_t bytes_of_a_step(std::unique_ptr<Backend> backend) {
  TinyModel tiny(tiny_config(), tiny_tensors(), {.max_rows = kRows}, std::move(backend));
  const State state = tiny.backend().memory().create_state(tiny.model().state_spec());
  std::vector<int32_t> tokens(kRows), last = {kRows - 1};
  std::iota(tokens.begin(), tokens.end(), 3);
  Operations& ops = tiny.backend().operations();
  size_t bytes = 0;
  for (int64_t step = 0; step < 2; ++step) {
    const SequenceRows rows = {.state = state, .rows = kRows, .position = step * kRows};
    const Batch batch = ops.stage({.tokens = tokens, .sequences = {&rows, 1}, .logit_rows = last});
    const AllocationMeter meter;
    tiny.model().forward(batch);
    ops.wait();
    bytes = meter.peak_bytes();
  }
  return bytes;
}

TEST(StepMemory, is_there_before_the_step_on_the_cpu) { EXPECT_EQ(bytes_of_a_step(make_cpu_backend({})), 0); }

}  // namespace
}  // namespace moebius::internal
