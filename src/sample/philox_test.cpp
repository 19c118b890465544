// The generator against the vectors its authors publish (kat_vectors of Random123), and what keys a draw.
#include "sample/philox.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <set>

namespace moebius::internal {
namespace {

TEST(Philox, gives_the_published_numbers) {
  struct Row {
    PhiloxCounter counter;
    PhiloxKey key;
    PhiloxCounter expected;
  };
  constexpr uint32_t kOnes = 0xffffffff;
  const Row rows[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Row& row : rows) EXPECT_EQ(philox(row.counter, row.key), row.expected);
}

TEST(RandomBits, differ_for_every_seed_and_position) {
  std::set<uint64_t> seen;
  size_t count = 0;
  for (const uint64_t high : {uint64_t{0}, uint64_t{1} << 32, uint64_t{1} << 62}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      for (uint64_t position = 0; position < 50; ++position) {
        seen.insert(random_bits(high + seed, static_cast<int64_t>(position)));
        if (high != 0) seen.insert(random_bits(seed, static_cast<int64_t>(high + position)));
        count += high != 0 ? 2 : 1;
      }
    }
  }
  EXPECT_EQ(seen.size(), count);
}

// Looks at the 64 bits of 4096 numbers. Each bit is set half the time, within 5 standard deviations of 32 each.
TEST(RandomBits, have_every_bit_set_half_the_time_from_one_position_and_from_one_seed_to_the_next) {
  constexpr int kNumbers = 4096;
  constexpr double kHalf = 0.5 * kNumbers;
  for (int bit = 0; bit < 64; ++bit) {
    int by_position = 0;
    int by_seed = 0;
    for (int i = 0; i < kNumbers; ++i) {
      by_position += static_cast<int>(random_bits(7, i) >> bit & 1);
      by_seed += static_cast<int>(random_bits(static_cast<uint64_t>(i), 7) >> bit & 1);
    }
    EXPECT_NEAR(by_position, kHalf, 160) << bit;
    EXPECT_NEAR(by_seed, kHalf, 160) << bit;
  }
}

}  // namespace
}  // namespace moebius::internal
