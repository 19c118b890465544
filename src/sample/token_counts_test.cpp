// Counts of tokens, and that a token taken back was never there.
#include "sample/token_counts.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

#include "base/testing/expect_error.h"

namespace moebius {
namespace {

TEST(TokenCounts, keep_the_prompt_apart_from_what_was_generated) {
  TokenCounts counts;
  counts.add_prompt(5);
  counts.add_prompt(5);
  counts.add(5);
  counts.add(6);
  EXPECT_EQ(counts.seen().at(5), (TokenCounts::Count{2, 1}));
  EXPECT_EQ(counts.seen().at(6), (TokenCounts::Count{0, 1}));
  EXPECT_EQ(counts.seen().size(), 2u);
}

TEST(TokenCounts, are_as_if_a_draft_that_was_taken_back_had_never_been) {
  const bool holds = rc::check(
      [](const std::vector<uint8_t>& prompt, const std::vector<uint8_t>& answer, const std::vector<uint8_t>& draft) {
        TokenCounts counts;
        for (const uint8_t id : prompt) counts.add_prompt(id % 8);
        for (const uint8_t id : answer) counts.add(id % 8);
        const TokenCounts before = counts;
        for (const uint8_t id : draft) counts.add(id % 8);
        for (auto id = draft.rbegin(); id != draft.rend(); ++id) counts.remove(*id % 8);
        RC_ASSERT(counts == before);
      });
  EXPECT_TRUE(holds);
}

TEST(TokenCounts, refuse_to_take_back_what_was_not_generated) {
  TokenCounts counts;
  counts.add_prompt(1);
  testing::expect_error(ErrorCode::kInternal, "generated", [&] { counts.remove(1); });
  testing::expect_error(ErrorCode::kInternal, "counts_.end()", [&] { counts.remove(2); });
}

}  // namespace
}  // namespace moebius
