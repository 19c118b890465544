// Drafts that are rolled back leave no trace. For every number of kept tokens, the logits that follow have the bits of
// a sequence that never saw the rejected tokens. src/backend/parity/delta_net_test.cpp tests single operations.
#include <gtest/gtest.h>

#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kDraftRows = 8;

// Returns a draft whose first `kept` tokens are right. The others are wrong.
std::vector<int32_t> draft_of(std::span<const int32_t> tokens, int64_t position, int64_t kept, int64_t vocab) {
  std::vector<int32_t> draft;
  for (int64_t i = 0; i < kDraftRows; ++i) {
    const int32_t next = tokens[static_cast<size_t>(position + i)];
    draft.push_back(i < kept ? next : static_cast<int32_t>((next + 1) % vocab));
  }
  return draft;
}

class EveryBackend : public ::testing::TestWithParam<OnBackend> {
 protected:
  EngineOptions options() const {
    EngineOptions options = on(GetParam().compute);
    options.drafts.max_rows = kDraftRows;
    return options;
  }
};

// Goes through the whole text in drafts of which 0, 1, 2, ... tokens are right. One plain token follows each draft.
TEST_P(EveryBackend, keeps_any_number_of_drafted_tokens_without_a_trace) {
  if (!runs_here(GetParam().compute)) GTEST_SKIP() << "NOT TESTED: this machine has no " << name_of(GetParam().compute);
  const std::vector<int32_t> tokens = read_expected(GetParam().checkpoint).tokens;
  const LoadedModel loaded = load(GetParam().checkpoint, options());
  const int64_t vocab = loaded.model->config().vocab;
  const std::vector<float> expected = run(loaded, tokens);
  Stepper stepper(*loaded.model, *loaded.backend);
  std::vector<float> actual;
  int64_t kept = 0;
  while (stepper.position() + kDraftRows < std::ssize(tokens)) {
    const std::vector<float> drafted = stepper.append_draft(draft_of(tokens, stepper.position(), kept, vocab));
    stepper.keep(kept);
    actual.insert(actual.end(), drafted.begin(), drafted.begin() + kept * vocab);
    const std::vector<float> next = stepper.append({{tokens[static_cast<size_t>(stepper.position())]}});
    actual.insert(actual.end(), next.begin(), next.end());
    kept = (kept + 1) % (kDraftRows + 1);
  }
  const std::vector<float> begin(expected.begin(), expected.begin() + static_cast<int64_t>(actual.size()));
  EXPECT_EQ(first_difference(actual, begin, vocab), "");
}

INSTANTIATE_TEST_SUITE_P(Golden, EveryBackend, ::testing::ValuesIn(on_each(every_backend())),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::internal::golden
