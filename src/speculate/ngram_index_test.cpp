// Compares prompt look-up with a search over the whole text.
#include "speculate/ngram_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace moebius::internal {
namespace {

using Tokens = std::vector<int32_t>;

NgramIndex index_of(const Tokens& tokens) {
  NgramIndex index;
  for (const int32_t token : tokens) index.append(token);
  return index;
}

// Finds the same proposal by brute force. It tries every length at every place, starting with the longest length and
// the latest place.
Tokens naive_proposal(const Tokens& tokens, int64_t max_tokens) {
  const auto size = static_cast<int64_t>(tokens.size());
  for (int64_t length = std::min(NgramIndex::kMaxLength, size); length >= NgramIndex::kMinLength; --length) {
    for (int64_t end = size - 1; end >= length; --end) {
      if (!std::equal(tokens.end() - length, tokens.end(), tokens.begin() + end - length)) continue;
      Tokens text = tokens;
      for (int64_t i = 0; i < max_tokens; ++i) text.push_back(text[end + i]);
      return {text.begin() + size, text.end()};
    }
  }
  return {};
}

TEST(NgramIndex, proposes_what_a_search_over_the_whole_text_finds) {
  std::mt19937 random(1);
  for (const uint32_t letters : {2u, 3u, 5u, 20u}) {
    NgramIndex index;
    Tokens tokens;
    for (int step = 0; step < 600; ++step) {
      tokens.push_back(static_cast<int32_t>(random() % letters));
      index.append(tokens.back());
      const int64_t max_tokens = random() % 17;
      ASSERT_EQ(index.propose(max_tokens), naive_proposal(tokens, max_tokens)) << letters << " letters, token " << step;
    }
  }
}

TEST(NgramIndex, proposes_what_followed_the_longest_and_latest_match) {
  struct Row {
    const char* what;
    Tokens tokens;
    Tokens proposal;
    int64_t length;
  };
  const Row rows[] = {
      {"no token", {}, {}, 0},
      {"nothing said twice", {1, 2, 3, 4, 5}, {}, 0},
      {"two tokens are chance", {1, 2, 3, 9, 1, 2}, {}, 0},
      {"three are a match", {1, 2, 3, 4, 5, 9, 1, 2, 3}, {4, 5, 9, 1}, 3},
      {"the latest", {1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3}, {5, 1, 2, 3}, 3},
      {"the longest, though older", {0, 1, 2, 3, 4, 9, 1, 2, 3, 5, 0, 1, 2, 3}, {4, 9, 1, 2}, 4},
      {"a circle", {7, 1, 2, 1, 2, 1, 2}, {1, 2, 1, 2}, 4},
      {"one token over and over", {5, 5, 5, 5}, {5, 5, 5, 5}, 3},
      {"any id", {-1, INT32_MAX, INT32_MIN, 4, 5, -1, INT32_MAX, INT32_MIN}, {4, 5, -1, INT32_MAX}, 3},
  };
  for (const Row& row : rows) {
    const NgramIndex index = index_of(row.tokens);
    EXPECT_EQ(index.propose(4), row.proposal) << row.what;
    EXPECT_EQ(index.match_length(), row.length) << row.what;
  }
}

TEST(NgramIndex, proposes_no_more_than_is_asked_for) {
  const NgramIndex index = index_of({1, 2, 3, 4, 5, 6, 1, 2, 3});
  EXPECT_EQ(index.propose(2), (Tokens{4, 5}));
  EXPECT_EQ(index.propose(0), Tokens{});
}

TEST(NgramIndex, finds_a_match_across_a_long_text) {
  Tokens tokens{-1, -2, -3, -4};
  for (int32_t i = 0; i < 50'000; ++i) tokens.push_back(i);
  for (const int32_t token : {-1, -2, -3}) tokens.push_back(token);
  EXPECT_EQ(index_of(tokens).propose(3), (Tokens{-4, 0, 1}));
}

}  // namespace
}  // namespace moebius::internal
