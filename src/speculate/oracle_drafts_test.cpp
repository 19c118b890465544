// Tests how often the oracle is wrong, and at which positions.
#include "speculate/oracle_drafts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace moebius::internal {
namespace {

std::vector<int32_t> plain_output(int64_t length) {
  std::vector<int32_t> tokens(length);
  std::iota(tokens.begin(), tokens.end(), 1000);
  return tokens;
}

int64_t wrong_tokens(const std::vector<int32_t>& drafts, const std::vector<int32_t>& plain) {
  return std::inner_product(drafts.begin(), drafts.end(), plain.begin(), int64_t{0}, std::plus<>(),
                            std::not_equal_to<>());
}

TEST(Oracle, is_wrong_at_the_rate_that_was_asked_for) {
  const auto plain = plain_output(20'000);
  for (const double rate : {0.0, 0.3, 0.7, 0.95, 1.0}) {
    const OracleDrafts oracle(plain, {.rate = rate, .seed = 7});
    const double wrong = static_cast<double>(wrong_tokens(oracle.propose(0, 20'000), plain)) / 20'000;
    EXPECT_NEAR(wrong, rate, 0.01);
    if (rate == 0 || rate == 1) {
      EXPECT_EQ(wrong, rate);
    }
  }
}

TEST(Oracle, says_the_same_of_a_position_wherever_it_is_asked_from) {
  const OracleDrafts oracle(plain_output(400), {.rate = 0.5, .seed = 3});
  const std::vector<int32_t> all = oracle.propose(0, 400);
  for (int64_t position = 0; position < 400; position += 7) {
    const std::vector<int32_t> drafts = oracle.propose(position, 5);
    EXPECT_TRUE(std::equal(drafts.begin(), drafts.end(), all.begin() + position)) << position;
  }
}

TEST(Oracle, spoils_other_positions_with_another_seed) {
  const auto plain = plain_output(400);
  EXPECT_NE(OracleDrafts(plain, {.rate = 0.5, .seed = 1}).propose(0, 400),
            OracleDrafts(plain, {.rate = 0.5, .seed = 2}).propose(0, 400));
}

TEST(Oracle, has_bursts_in_which_all_is_wrong) {
  const auto plain = plain_output(40);
  const std::vector<int32_t> drafts = OracleDrafts(plain, {.rate = 0, .burst = 10}).propose(0, 40);
  for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(drafts[i] == plain[i], i / 10 % 2 == 0) << i;
}

TEST(Oracle, ends_where_the_plain_output_ends) {
  const OracleDrafts oracle(plain_output(10), {});
  EXPECT_EQ(oracle.propose(8, 5), (std::vector<int32_t>{1008, 1009}));
  EXPECT_TRUE(oracle.propose(10, 5).empty());
  EXPECT_TRUE(oracle.propose(99, 5).empty());
}

}  // namespace
}  // namespace moebius::internal
