// For tests: a prefix tree whose tokens are letters, so that a test can write its sequences as strings.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "cache/testing/prefix.h"

namespace moebius::internal::testing {

struct Log {
  int64_t position, covered;
};

// The tokens are letters, and a page has 4 positions.
class Fixture : public ::testing::Test {
 protected:
  explicit Fixture(Tree::Options options = {.page_positions = kPagePositions}) : tree_(options) {}

  static Tokens ids(std::string_view text) { return {text.begin(), text.end()}; }

  Sequence run(std::string_view text, const std::vector<Log>& logs = {}) {
    Sequence sequence;
    for (const int32_t token : ids(text)) sequence.append(budget_, token);
    for (const Log& log : logs) sequence.record_snapshot(budget_, log.position, log.covered);
    return sequence;
  }
  void insert(const Sequence& sequence) { testing::insert(tree_, sequence); }
  void insert(std::string_view text, const std::vector<Log>& logs = {}) { testing::insert(tree_, run(text, logs)); }
  Tree::Match find(std::string_view prompt) {
    const Tokens tokens = ids(prompt);
    Tree::Match match = tree_.find(tokens, std::ssize(tokens));
    EXPECT_TRUE(is_of(match, tokens)) << prompt;
    return match;
  }
  int64_t reused(std::string_view prompt) { return find(prompt).tokens; }

  MemoryBudget budget_{1'000'000};
  Tree tree_;
};

class FixtureWithoutState : public Fixture {
 protected:
  FixtureWithoutState() : Fixture({.page_positions = kPagePositions, .needs_snapshots = false}) {}
};

}  // namespace moebius::internal::testing
