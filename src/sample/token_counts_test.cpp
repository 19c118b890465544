// Counts of tokens, and drafts that lie over them.
#include "sample/token_counts.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <vector>

namespace moebius::internal {
namespace {

using Seen = std::map<int32_t, std::pair<uint32_t, uint32_t>>;

// Each token of the history, and how often it stands there. Fails when a token is told twice.
Seen seen(const History& history) {
  Seen all;
  history.for_each([&](int32_t id, TokenCounts::Count count) {
    EXPECT_TRUE(all.emplace(id, std::pair(count.prompt, count.generated)).second) << id << " is told twice";
  });
  return all;
}

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

TEST(History, with_drafts_is_that_of_a_sequence_that_said_them) {
  const bool holds = rc::check(
      [](const std::vector<uint8_t>& prompt, const std::vector<uint8_t>& answer, const std::vector<uint8_t>& draft) {
        TokenCounts counts;
        for (const uint8_t id : prompt) counts.add_prompt(id % 8);
        for (const uint8_t id : answer) counts.add(id % 8);
        std::vector<int32_t> drafts;
        for (const uint8_t id : draft) drafts.push_back(id % 8);
        TokenCounts said = counts;
        for (const int32_t id : drafts) said.add(id);
        RC_ASSERT(seen(History(counts, drafts)) == seen(said));
      });
  EXPECT_TRUE(holds);
}

TEST(History, of_nothing_has_no_tokens) { EXPECT_TRUE(seen(History()).empty()); }

}  // namespace
}  // namespace moebius::internal
