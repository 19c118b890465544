// A sequence that goes back to its mark is, bit for bit, one that never saw what came behind it: keys and values are
// written over, the recurrent state and the rows of the convolution come from a snapshot.
#include <gtest/gtest.h>

#include "golden.h"

namespace moebius::golden {
namespace {

struct OnBackend {
  std::string backend, checkpoint;
};

void PrintTo(const OnBackend& value, std::ostream* out) { *out << value.backend << "_" << value.checkpoint; }

std::vector<OnBackend> every_backend_and_checkpoint() {
  std::vector<OnBackend> all;
  for (const std::string& checkpoint : all_checkpoints()) {
    all.push_back({"reference", checkpoint});
    all.push_back({"cpu", checkpoint});
  }
  return all;
}

class Marks : public testing::TestWithParam<OnBackend> {
 protected:
  Runner load() const {
    EngineOptions options;
    options.backend = GetParam().backend;
    return Runner::load(checkpoint_directory(GetParam().checkpoint), options);
  }
};

TEST_P(Marks, AreWhereASequenceComesBackToWithoutATrace) {
  const std::vector<int32_t> tokens = read_expected(GetParam().checkpoint).tokens;
  Runner engine = load();
  const std::vector<int32_t> begin(tokens.begin(), tokens.begin() + 40);
  const std::vector<int32_t> end(tokens.begin() + 40, tokens.begin() + 60);
  const std::vector<int32_t> other(end.rbegin(), end.rend());
  Sequence plain = engine.start();
  plain.append(begin);
  const std::vector<float> expected = plain.append_all(end);

  Sequence sequence = engine.start();
  sequence.append(begin);
  sequence.mark();
  for (int again = 0; again < 2; ++again) {
    sequence.append(other);
    sequence.rewind(sequence.marked());
    EXPECT_EQ(sequence.tokens(), begin);
    EXPECT_EQ(first_difference(sequence.append_all(end), expected, engine.vocab()), "");
  }
  sequence.rewind(0);
  sequence.append(begin);
  EXPECT_EQ(first_difference(sequence.append_all(end), expected, engine.vocab()), "");
}

INSTANTIATE_TEST_SUITE_P(Golden, Marks, testing::ValuesIn(every_backend_and_checkpoint()),
                         [](const auto& test) { return testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::golden
