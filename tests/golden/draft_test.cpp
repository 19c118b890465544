// Drafts that are taken back leave no trace: for every number of kept tokens, the logits that follow are, bit for bit,
// those of a sequence that never saw the others. Not here: single operations (src/backend/parity/delta_net_test.cpp).
#include <gtest/gtest.h>

#include "golden.h"

namespace moebius::golden {
namespace {

constexpr int64_t kDraftRows = 8;

struct OnBackend {
  std::string backend, isa;
  std::string checkpoint;
};

void PrintTo(const OnBackend& value, std::ostream* out) {
  *out << value.backend << value.isa << "_" << value.checkpoint;
}

std::vector<OnBackend> every_backend_and_checkpoint() {
  std::vector<OnBackend> all;
  for (const std::string& checkpoint : all_checkpoints()) {
    all.push_back({"reference", "", checkpoint});
    for (const char* isa : {"portable", "avx2", "avx512"}) all.push_back({"cpu", isa, checkpoint});
  }
  return all;
}

// A draft whose first `kept` tokens are the true ones.
std::vector<int32_t> draft_of(std::span<const int32_t> tokens, size_t position, int64_t kept, int64_t vocab) {
  std::vector<int32_t> draft;
  for (int64_t i = 0; i < kDraftRows; ++i) {
    const int32_t next = tokens[position + static_cast<size_t>(i)];
    draft.push_back(i < kept ? next : static_cast<int32_t>((next + 1) % vocab));
  }
  return draft;
}

class EveryBackend : public ::testing::TestWithParam<OnBackend> {
 protected:
  EngineOptions options() const {
    EngineOptions options;
    options.backend = GetParam().backend;
    options.isa = GetParam().isa;
    options.draft_rows = kDraftRows;
    return options;
  }
};

// Through the whole text by drafts of which 0, 1, 2, ... tokens are right, each followed by one plain token.
TEST_P(EveryBackend, keeps_any_number_of_drafted_tokens_without_a_trace) {
  const std::vector<int32_t> tokens = read_expected(GetParam().checkpoint).tokens;
  try {
    Runner engine = Runner::load(checkpoint_directory(GetParam().checkpoint), options());
    const auto vocab = static_cast<size_t>(engine.vocab());
    const std::vector<float> expected = run(engine, tokens);
    Sequence sequence = engine.start();
    std::vector<float> actual;
    int64_t kept = 0;
    for (size_t position = 0; position + kDraftRows < tokens.size(); position = actual.size() / vocab) {
      const std::vector<float> drafted = sequence.draft(draft_of(tokens, position, kept, engine.vocab()));
      sequence.keep(kept);
      actual.insert(actual.end(), drafted.begin(), drafted.begin() + kept * engine.vocab());
      const std::vector<float> next = sequence.append({tokens[position + static_cast<size_t>(kept)]});
      actual.insert(actual.end(), next.begin(), next.end());
      kept = (kept + 1) % (kDraftRows + 1);
    }
    const std::vector<float> begin(expected.begin(), expected.begin() + static_cast<int64_t>(actual.size()));
    EXPECT_EQ(first_difference(actual, begin, engine.vocab()), "");
  } catch (const Error& error) {
    if (GetParam().isa == "portable" || error.code() != ErrorCode::kUnavailable) throw;
    GTEST_SKIP() << "NOT TESTED: this machine has no " << GetParam().isa << " (" << error.what() << ")";
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, EveryBackend, ::testing::ValuesIn(every_backend_and_checkpoint()),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::golden
