// Promise 2 for steps of several sequences: the other sequences of a batch change no bit of a row. A stepper runs one
// sequence, so this test calls the model directly. bitwise_test.cpp tests one sequence in pieces.
#include <gtest/gtest.h>

#include <numeric>

#include "golden.h"

namespace moebius::internal::golden {
namespace {

// The tokens that a sequence gets in one step.
struct Part {
  State state;
  int64_t position;
  std::span<const int32_t> tokens;
};

class BatchedStep : public ::testing::TestWithParam<OnBackend> {
 protected:
  BatchedStep()
      : loaded_(load(GetParam().checkpoint, options(GetParam().compute))),
        tokens_(read_expected(GetParam().checkpoint).tokens) {}

  static EngineOptions options(const ComputeOptions& compute) {
    EngineOptions options = on(compute);
    options.limits.context = 512;
    return options;
  }

  // Runs one step over all parts. Returns the logits of every row, in order.
  std::vector<float> step(const std::vector<Part>& parts) const {
    std::vector<int32_t> tokens;
    std::vector<SequenceRows> sequences;
    for (const Part& part : parts) {
      sequences.push_back({part.state, std::ssize(tokens), std::ssize(part.tokens), part.position});
      tokens.insert(tokens.end(), part.tokens.begin(), part.tokens.end());
    }
    std::vector<int32_t> rows(tokens.size());
    std::iota(rows.begin(), rows.end(), 0);
    const Tensor logits = loaded_.model->forward(loaded_.backend->operations().stage({tokens, sequences, rows}));
    std::vector<float> values(static_cast<size_t>(logits.rows * logits.cols));
    loaded_.backend->memory().read(values.data(), logits);
    return values;
  }

  // Returns a sequence that has seen `seen` tokens beginning at token `from`, and that is about to get `next` more.
  Part prepared(int64_t from, int64_t seen, int64_t next) {
    const std::span<const int32_t> all(tokens_);
    const State state = loaded_.backend->memory().create_state(loaded_.model->state_spec());
    if (seen > 0) step({{state, 0, all.subspan(from, seen)}});
    return {state, seen, all.subspan(from + seen, next)};
  }

  // Runs the same step for the sequences one at a time and for all of them at once. The logits must be equal.
  void expect_alone_is_together(const std::vector<std::array<int64_t, 3>>& sequences) {
    std::vector<Part> together;
    std::vector<float> alone;
    for (const auto& [from, seen, next] : sequences) {
      const std::vector<float> logits = step({prepared(from, seen, next)});
      alone.insert(alone.end(), logits.begin(), logits.end());
      together.push_back(prepared(from, seen, next));
    }
    EXPECT_EQ(first_difference(step(together), alone, loaded_.model->config().vocab), "");
  }

  LoadedModel loaded_;
  std::vector<int32_t> tokens_;
};

TEST_P(BatchedStep, a_row_among_16_sequences_is_the_row_alone) {
  std::vector<std::array<int64_t, 3>> sequences;
  for (int64_t i = 0; i < 16; ++i) sequences.push_back({i, 2 * i, 1});
  expect_alone_is_together(sequences);
}

TEST_P(BatchedStep, decode_verification_and_prefill_share_a_step) {
  expect_alone_is_together({{0, 20, 1}, {3, 5, 16}, {7, 0, 33}, {11, 0, 1}, {1, 64, 2}});
}

INSTANTIATE_TEST_SUITE_P(Golden, BatchedStep, ::testing::ValuesIn(on_each({kReference, kCpu})),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::internal::golden
