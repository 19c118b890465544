// RoPE angles against values that PyTorch gives for theta 1e7 and 64 rotated dimensions, in f32:
//   f = 1.0 / (1e7 ** (torch.arange(0, 64, 2, dtype=torch.float) / 64)); a = f * 262143.0; a.cos(), a.sin()
#include "model/rope.h"

#include <gtest/gtest.h>

namespace moebius {
namespace {

TEST(Rope, FrequenciesAreThoseOfTheReference) {
  const std::vector<float> frequencies = rope_frequencies(64, 1e7);
  ASSERT_EQ(frequencies.size(), 32u);
  EXPECT_EQ(frequencies[0], 1.0f);
  EXPECT_EQ(frequencies[1], 0.604296386f);
  EXPECT_EQ(frequencies[2], 0.365174145f);
  EXPECT_EQ(frequencies[15], 0.000523299095f);
  EXPECT_EQ(frequencies[31], 1.65481708e-07f);
}

TEST(Rope, PositionZeroDoesNotRotate) {
  const std::vector<float> table = rope_table(1, 8, 10000.0);
  EXPECT_EQ(table, (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0}));
}

TEST(Rope, ALineHoldsCosinesThenSines) {
  const std::vector<float> table = rope_table(1001, 64, 1e7);
  const float* line = table.data() + 1000 * 64;
  EXPECT_FLOAT_EQ(line[1], 0.444126517f);
  EXPECT_FLOAT_EQ(line[32 + 1], 0.895964086f);
  EXPECT_FLOAT_EQ(line[32 + 31], 0.000165481702f);
}

TEST(Rope, TheLastTrainedPositionHasTheAnglesOfTheReference) {
  const std::vector<float> table = rope_table(262144, 64, 1e7);
  const float* line = table.data() + size_t{262143} * 64;
  EXPECT_FLOAT_EQ(line[1], 0.923175275f);  // the angle, 158412.062, is rounded to f32 before the cosine
  EXPECT_FLOAT_EQ(line[32 + 1], 0.384379297f);
  EXPECT_FLOAT_EQ(line[31], 0.99905926f);
  EXPECT_FLOAT_EQ(line[32 + 31], 0.0433662683f);
}

}  // namespace
}  // namespace moebius
