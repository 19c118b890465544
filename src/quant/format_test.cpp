// Tests which formats exist and how many bytes their rows take.
#include "quant/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace moebius::internal {
namespace {

constexpr int kWidths[] = {2, 3, 4, 5, 6, 8};

TEST(Format, only_published_widths_groups_and_scale_types_are_affine) {
  for (int bits = 0; bits <= 9; ++bits) {
    const bool exists = std::find(std::begin(kWidths), std::end(kWidths), bits) != std::end(kWidths);
    EXPECT_EQ(is_valid({bits, 64, DType::kBF16}), exists) << bits << " bits";
  }
  for (const int group : {0, 16, 48, 256, -32}) EXPECT_FALSE(is_valid({4, group, DType::kBF16})) << group;
  for (const int group : {32, 64, 128}) EXPECT_TRUE(is_valid({4, group, DType::kF16})) << group;
  EXPECT_FALSE(is_valid({4, 64, DType::kU8}));
}

TEST(Format, mxfp4_has_no_variants) {
  EXPECT_TRUE(is_valid(kMxfp4));
  EXPECT_FALSE(is_valid({8, 32, DType::kU8, QuantMode::kMxfp4}));
  EXPECT_FALSE(is_valid({4, 64, DType::kU8, QuantMode::kMxfp4}));
  EXPECT_FALSE(is_valid({4, 32, DType::kBF16, QuantMode::kMxfp4}));
  EXPECT_FALSE(is_valid({4, 32, DType::kU8, QuantMode::kAffine}));
}

TEST(Format, rows_of_mxfp4_take_four_and_a_quarter_bits) {
  EXPECT_EQ(code_row_bytes(kMxfp4, 96), 48);
  EXPECT_EQ(scale_row_bytes(kMxfp4, 96), 3);
  EXPECT_EQ(bias_row_bytes(kMxfp4, 96), 0);
  EXPECT_EQ(bias_row_bytes({4, 32, DType::kF16}, 96), 6);
}

}  // namespace
}  // namespace moebius::internal
