// Compares RoPE angles with values that PyTorch gives for theta 1e7 and 64 rotated dimensions, in f32:
//   f = 1.0 / (1e7 ** (torch.arange(0, 64, 2, dtype=torch.float) / 64)); a = f * 262143.0; a.cos(), a.sin()
// The values of YaRN are those of ROPE_INIT_FUNCTIONS["yarn"] of transformers 5.23.
#include "model/rope.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

TEST(Rope, frequencies_are_those_of_the_reference) {
  const std::vector<float> frequencies = rope_frequencies({64, 1e7, {}});
  ASSERT_EQ(frequencies.size(), 32u);
  EXPECT_EQ(frequencies[0], 1.0f);
  EXPECT_EQ(frequencies[1], 0.604296386f);
  EXPECT_EQ(frequencies[2], 0.365174145f);
  EXPECT_EQ(frequencies[15], 0.000523299095f);
  EXPECT_EQ(frequencies[31], 1.65481708e-07f);
}

TEST(Rope, position_zero_does_not_rotate) {
  const std::vector<float> table = rope_table(1, {8, 10000.0, {}});
  EXPECT_EQ(table, (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0}));
}

TEST(Rope, a_line_holds_cosines_then_sines) {
  const std::vector<float> table = rope_table(1001, {64, 1e7, {}});
  const float* line = table.data() + 1000 * 64;
  EXPECT_FLOAT_EQ(line[1], 0.444126517f);
  EXPECT_FLOAT_EQ(line[32 + 1], 0.895964086f);
  EXPECT_FLOAT_EQ(line[32 + 31], 0.000165481702f);
}

TEST(Rope, the_last_trained_position_has_the_angles_of_the_reference) {
  const std::vector<float> table = rope_table(262144, {64, 1e7, {}});
  const float* line = table.data() + size_t{262143} * 64;
  EXPECT_FLOAT_EQ(line[1], 0.923175275f);  // the angle, 158412.062, is rounded to f32 before the cosine
  EXPECT_FLOAT_EQ(line[32 + 1], 0.384379297f);
  EXPECT_FLOAT_EQ(line[31], 0.99905926f);
  EXPECT_FLOAT_EQ(line[32 + 31], 0.0433662683f);
}

// Expected frequencies: {pair, frequency}.
using Expected = std::vector<std::pair<size_t, float>>;

void expect_frequencies(const RopeSpec& rope, const Expected& expected) {
  const std::vector<float> frequencies = rope_frequencies(rope);
  for (const auto& [pair, frequency] : expected) EXPECT_FLOAT_EQ(frequencies.at(pair), frequency) << pair;
}

TEST(Rope, yarn_keeps_fast_pairs_divides_slow_ones_and_blends_between) {
  expect_frequencies({128, 1e6, Yarn{.factor = 4, .original_positions = 32768}}, {{0, 1.0f},
                                                                                  {1, 0.80584222f},
                                                                                  {20, 0.0133352149f},
                                                                                  {25, 0.0041317381f},
                                                                                  {30, 0.00106436096f},
                                                                                  {40, 4.44569851e-05f},
                                                                                  {63, 3.10234441e-07f}});
}

TEST(Rope, yarn_has_bounds_of_its_own_and_may_leave_them_unrounded) {
  expect_frequencies({32, 1e4, Yarn{.factor = 4, .original_positions = 40, .beta_fast = 2.5, .beta_slow = 0.5}},
                     {{1, 0.56234133f}, {2, 0.25693506f}, {4, 0.04375f}, {5, 0.0140585322f}, {8, 0.0025f}});
  expect_frequencies({128, 1e6, Yarn{.factor = 4, .original_positions = 32768, .truncate = false}},
                     {{20, 0.0133352149f}, {25, 0.0042343582f}, {30, 0.00107923767f}, {35, 0.000244518887f}});
}

TEST(Rope, yarn_with_both_bounds_at_one_pair_still_has_frequencies) {
  expect_frequencies({4, 1e6, Yarn{.factor = 4, .original_positions = 8}}, {{0, 1.0f}, {1, 0.00025f}});
}

TEST(Rope, yarn_scales_every_cosine_and_sine) {
  const RopeSpec rope = {128, 1e6, Yarn{.factor = 4, .original_positions = 32768, .attention_factor = 1.138629436}};
  const std::vector<float> table = rope_table(131072, rope);
  EXPECT_FLOAT_EQ(table[0], 1.138629436f);
  const float* line = table.data() + size_t{131071} * 128;
  EXPECT_FLOAT_EQ(line[1], -0.671797037f);
  EXPECT_FLOAT_EQ(line[64 + 1], 0.919328988f);
  EXPECT_FLOAT_EQ(line[63], 1.13768828f);
  EXPECT_FLOAT_EQ(line[64 + 63], 0.0462870337f);
}

}  // namespace
}  // namespace moebius::internal
