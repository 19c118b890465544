// Tests what a prompt may reuse of the prefix tree, rule by rule, and which of two pages or snapshots the tree keeps.
#include "cache/prefix_tree.h"

#include <gtest/gtest.h>

#include <string>

#include "base/testing/expect_error.h"
#include "cache/testing/prefix_fixture.h"

namespace moebius::internal {
namespace {

using testing::Sequence;
using testing::Tokens;
using testing::Tree;
using PrefixTreeTest = testing::Fixture;
using PrefixTreeWithoutStateTest = testing::FixtureWithoutState;

// ---- what is found -------------------------------------------------------------------------------------------------

TEST_F(PrefixTreeTest, says_why_not_all_of_a_prompt_is_reused) {
  insert("abcdefgh", {{2, 4}, {6, 8}});
  struct Row {
    const char* prompt;
    int64_t tokens, known;
    MissReason reason;
  };
  const Row rows[] = {
      {"abcd", 4, 4, MissReason::kNone},
      {"abcdefgh", 8, 8, MissReason::kNone},
      {"xyz", 0, 0, MissReason::kNothingCached},
      {"abcx", 3, 3, MissReason::kDiverged},
      {"abcdefghi", 8, 8, MissReason::kDiverged},
      {"ab", 2, 2, MissReason::kNone},
      {"a", 0, 1, MissReason::kNoSnapshot},
      {"ax", 0, 1, MissReason::kNoSnapshot},
      {"abcde", 4, 5, MissReason::kNoSnapshot},
      {"abcdexx", 4, 5, MissReason::kNoSnapshot},
      {"", 0, 0, MissReason::kNone},
  };
  for (const Row& row : rows) {
    const Tree::Match match = find(row.prompt);
    EXPECT_EQ(match.tokens, row.tokens) << row.prompt;
    EXPECT_EQ(match.known, row.known) << row.prompt;
    EXPECT_EQ(match.reason, row.reason) << row.prompt;
    EXPECT_EQ(match.snapshot == nullptr, row.tokens == 0) << row.prompt;
  }
}

TEST_F(PrefixTreeTest, reuses_no_more_tokens_than_are_wanted) {
  insert("abcdefgh", {{2, 8}});
  struct Row {
    int64_t max_tokens, tokens;
    MissReason reason;
  };
  const Row rows[] = {{7, 7, MissReason::kNone}, {2, 2, MissReason::kNone},  {1, 0, MissReason::kNoSnapshot},
                      {0, 0, MissReason::kNone}, {-1, 0, MissReason::kNone}, {99, 8, MissReason::kNone}};
  for (const Row& row : rows) {
    const Tree::Match match = tree_.find(ids("abcdefgh"), row.max_tokens);
    EXPECT_EQ(match.tokens, row.tokens) << row.max_tokens;
    EXPECT_EQ(match.known, 8) << row.max_tokens;
    EXPECT_EQ(match.reason, row.reason) << row.max_tokens;
  }
}

TEST_F(PrefixTreeWithoutStateTest, ends_a_hit_at_any_token) {
  insert("abcdefgh");
  insert("abcdexyz");
  EXPECT_EQ(find("abcq").tokens, 3);
  EXPECT_EQ(find("abcdefq").tokens, 6);
  EXPECT_EQ(find("abcdexyz").tokens, 8);
  EXPECT_EQ(find("abcdeq").reason, MissReason::kDiverged);
  EXPECT_EQ(find("q").reason, MissReason::kNothingCached);
  EXPECT_EQ(find("abcdefgh").snapshot, nullptr);
}

TEST_F(PrefixTreeTest, prefers_the_snapshot_that_gives_most_tokens_and_then_the_one_with_least_to_replay) {
  insert("abcdefgh", {{2, 8}, {4, 6}, {5, 7}});
  EXPECT_EQ(find("abcdefgh").snapshot->at, 2);
  EXPECT_EQ(find("abcdefg").snapshot->at, 5);
  EXPECT_EQ(find("abcdef").snapshot->at, 5);
  EXPECT_EQ(find("abcd").snapshot->at, 4);
}

TEST_F(PrefixTreeTest, uses_a_log_only_up_to_where_the_prompt_leaves_the_sequence_that_recorded_it) {
  insert("abcdefghijkl", {{2, 12}});
  insert("abcdefxy");       // splits the run inside the log
  insert("abcdefghxy");     // splits it again
  insert("abcdefghijkxy");  // splits it again
  EXPECT_EQ(tree_.nodes(), 7);
  struct Row {
    const char* prompt;
    int64_t tokens, known;
  };
  const Row rows[] = {{"abcdefghijkl", 12, 12},  {"abcdefxy", 6, 8},     {"abcdefghxy", 8, 10},
                      {"abcdefghijkxy", 11, 13}, {"abcdefghij", 10, 10}, {"abcx", 3, 3}};
  for (const Row& row : rows) {
    EXPECT_EQ(find(row.prompt).tokens, row.tokens) << row.prompt;
    EXPECT_EQ(find(row.prompt).known, row.known) << row.prompt;
  }
}

TEST_F(PrefixTreeTest, gives_every_branch_the_snapshot_at_the_boundary) {
  insert("abcdef", {{4, 6}});
  insert("abcdxy", {{6, 6}});
  EXPECT_EQ(reused("abcdef"), 6);
  EXPECT_EQ(reused("abcdxz"), 4);
  EXPECT_EQ(reused("abcdqq"), 4);
}

TEST_F(PrefixTreeTest, replays_a_whole_log_from_the_state_before_the_first_token) {
  insert("abcdef", {{0, 5}});
  EXPECT_EQ(reused("abcx"), 3);
  EXPECT_EQ(reused("abcdef"), 5);
  EXPECT_EQ(reused("x"), 0);
  EXPECT_EQ(find("x").snapshot, nullptr);
}

TEST_F(PrefixTreeTest, follows_a_log_that_grows_but_not_beyond_the_tokens_inserted_with_it) {
  Sequence sequence = run("abcd", {{2, 3}});
  insert(sequence);
  insert("abcdefgh");  // another sequence with the same tokens continues further
  Tokens& log = sequence.snapshots[0]->tokens;
  EXPECT_EQ(reused("abcdefgh"), 3);
  log = ids("abcdex");
  EXPECT_EQ(reused("abcdefgh"), 4);
  for (const int32_t token : ids("ex")) sequence.append(budget_, token);
  insert(sequence);
  EXPECT_EQ(reused("abcdefgh"), 5);
  EXPECT_EQ(reused("abcdex"), 6);
  sequence.append(budget_, 'y');
  insert(sequence);
  EXPECT_EQ(reused("abcdexy"), 6);
  log.push_back('y');
  EXPECT_EQ(reused("abcdexy"), 7);
  EXPECT_EQ(tree_.snapshots(), 1);
}

TEST_F(PrefixTreeTest, lets_no_other_sequence_take_over_a_log) {
  Sequence recorder = run("abcd", {{2, 4}});
  insert(recorder);
  Sequence other = run("abcxyz");
  other.snapshots = recorder.snapshots;
  insert(other);
  EXPECT_EQ(reused("abcxyz"), 3);
  EXPECT_EQ(reused("abcd"), 4);
}

TEST_F(PrefixTreeTest, asks_only_the_snapshots_along_the_prompt) {
  std::vector<Sequence> others;
  for (char letter = 'c'; letter <= 'z'; ++letter) others.push_back(run(std::string("ab") + letter, {{3, 3}}));
  for (const Sequence& other : others) insert(other);
  insert("abAA", {{2, 4}});
  const auto asked = [&] {
    int64_t sum = 0;
    for (const Sequence& other : others) sum += other.snapshots[0]->times_asked;
    return sum;
  };
  const int64_t before = asked();
  EXPECT_EQ(reused("abAA"), 4);
  EXPECT_EQ(asked(), before);
  EXPECT_EQ(reused("abc"), 3);
  EXPECT_EQ(asked(), before + 1);
}

TEST_F(PrefixTreeTest, asks_no_snapshot_that_stands_behind_the_prompt) {
  const Sequence sequence = run("abcdefgh", {{2, 3}, {5, 6}, {8, 8}});
  insert(sequence);
  const int64_t before = sequence.snapshots[1]->times_asked + sequence.snapshots[2]->times_asked;
  EXPECT_EQ(reused("abx"), 2);
  EXPECT_EQ(sequence.snapshots[1]->times_asked + sequence.snapshots[2]->times_asked, before);
}

// ---- what is kept --------------------------------------------------------------------------------------------------

TEST_F(PrefixTreeTest, keeps_of_two_snapshots_at_one_position_the_one_that_covers_more) {
  insert("abcdef", {{2, 4}});
  insert("abcdef", {{2, 3}});
  EXPECT_EQ(reused("abcdef"), 4);
  insert("abcdef", {{2, 5}});
  EXPECT_EQ(reused("abcdef"), 5);
  EXPECT_EQ(tree_.snapshots(), 1);
}

TEST_F(PrefixTreeTest, keeps_the_older_of_two_snapshots_that_cover_as_much) {
  Sequence older = run("abcd", {{2, 4}});
  insert(older);
  insert("abcx", {{2, 4}});
  EXPECT_EQ(find("abcd").snapshot, older.snapshots[0]);
}

TEST_F(PrefixTreeWithoutStateTest, keeps_the_older_page_of_equal_positions) {
  const Sequence older = run("abcdefgh"), newer = run("abcdefgh");
  insert(older);
  insert(newer);
  EXPECT_EQ(find("abcdefgh").pages, older.pages);
  EXPECT_EQ(tree_.nodes(), 1);
}

TEST_F(PrefixTreeWithoutStateTest, takes_a_page_that_two_branches_have_from_the_branch_of_the_prompt) {
  const Sequence first = run("abcdefgh"), second = run("abcdexyz");  // the second page of both begins with e
  insert(first);
  insert(second);
  EXPECT_EQ(find("abcdexy").pages, (std::vector{first.pages[0], second.pages[1]}));
  EXPECT_EQ(find("abcdef").pages, first.pages);
  EXPECT_EQ(find("abcde").pages, first.pages);
}

TEST_F(PrefixTreeWithoutStateTest, takes_a_page_that_was_filled_later_from_the_longer_sequence) {
  const Sequence first = run("abcdef"), second = run("abcdefgh");
  insert(first);
  insert(second);
  EXPECT_EQ(find("abcdefg").pages, (std::vector{first.pages[0], second.pages[1]}));
}

TEST_F(PrefixTreeTest, keeps_inserted_tokens_that_no_snapshot_covers) {
  insert("abcdefgh", {{2, 3}});
  EXPECT_EQ(tree_.tokens(), 8);
  EXPECT_EQ(find("abcdefgh").known, 8);
}

TEST_F(PrefixTreeTest, calls_it_a_bug_to_insert_what_does_not_fit_together) {
  const Sequence good = run("abcdefgh", {{6, 8}});
  const auto few_pages = std::span(good.pages).first(1);
  testing::expect_error(ErrorCode::kInternal, "pages", [&] { tree_.insert(good.tokens, few_pages, {}); });
  const auto few_tokens = std::span(good.tokens).first(4);
  testing::expect_error(ErrorCode::kInternal, "position", [&] { tree_.insert(few_tokens, few_pages, good.snapshots); });
  testing::expect_error(ErrorCode::kInternal, "page_positions", [] { Tree({.page_positions = 0}); });
}

TEST_F(PrefixTreeWithoutStateTest, calls_it_a_bug_to_insert_a_snapshot) {
  const Sequence sequence = run("abcd", {{2, 4}});
  testing::expect_error(ErrorCode::kInternal, "needs_snapshots", [&] { insert(sequence); });
}

}  // namespace
}  // namespace moebius::internal
