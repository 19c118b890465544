// The rules of the prefix tree, one by one: what a prompt may reuse, what is kept, what is dropped first.
#include "cache/prefix_tree.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <string_view>

#include "base/expect_error.h"
#include "cache/test_prefix.h"

namespace moebius {
namespace {

using test_prefix::is_of;
using test_prefix::Page;
using test_prefix::Sequence;
using test_prefix::Tokens;
using test_prefix::Tree;

struct Log {
  int64_t position, covered;
};

// Letters are the tokens; pages have 4 positions.
class PrefixTreeTest : public testing::Test {
 protected:
  explicit PrefixTreeTest(Tree::Options options = {.page_positions = test_prefix::kPagePositions}) : tree_(options) {}

  static Tokens ids(std::string_view text) { return {text.begin(), text.end()}; }

  Sequence run(std::string_view text, const std::vector<Log>& logs = {}) {
    Sequence sequence;
    for (const int32_t token : ids(text)) sequence.append(budget_, token);
    for (const Log& log : logs) sequence.record(budget_, log.position, log.covered);
    return sequence;
  }
  void insert(std::string_view text, const std::vector<Log>& logs = {}) { test_prefix::insert(tree_, run(text, logs)); }
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

class PrefixTreeWithoutStateTest : public PrefixTreeTest {
 protected:
  PrefixTreeWithoutStateTest()
      : PrefixTreeTest({.page_positions = test_prefix::kPagePositions, .needs_checkpoints = false}) {}
};

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
      {"a", 0, 1, MissReason::kNoCheckpoint},
      {"ax", 0, 1, MissReason::kNoCheckpoint},
      {"abcde", 4, 5, MissReason::kNoCheckpoint},
      {"abcdexx", 4, 5, MissReason::kNoCheckpoint},
      {"", 0, 0, MissReason::kNone},
  };
  for (const Row& row : rows) {
    const Tree::Match match = find(row.prompt);
    EXPECT_EQ(match.tokens, row.tokens) << row.prompt;
    EXPECT_EQ(match.known, row.known) << row.prompt;
    EXPECT_EQ(match.reason, row.reason) << row.prompt;
    EXPECT_EQ(match.checkpoint == nullptr, row.tokens == 0) << row.prompt;
  }
}

TEST_F(PrefixTreeTest, reuses_no_more_tokens_than_are_wanted) {
  insert("abcdefgh", {{2, 8}});
  struct Row {
    int64_t most, tokens;
    MissReason reason;
  };
  const Row rows[] = {{7, 7, MissReason::kNone}, {2, 2, MissReason::kNone},  {1, 0, MissReason::kNoCheckpoint},
                      {0, 0, MissReason::kNone}, {-1, 0, MissReason::kNone}, {99, 8, MissReason::kNone}};
  for (const Row& row : rows) {
    const Tree::Match match = tree_.find(ids("abcdefgh"), row.most);
    EXPECT_EQ(match.tokens, row.tokens) << row.most;
    EXPECT_EQ(match.known, 8) << row.most;
    EXPECT_EQ(match.reason, row.reason) << row.most;
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
  EXPECT_EQ(find("abcdefgh").checkpoint, nullptr);
}

TEST_F(PrefixTreeTest, prefers_the_checkpoint_that_gives_most_tokens_and_then_the_one_with_least_to_replay) {
  insert("abcdefgh", {{2, 8}, {4, 6}, {5, 7}});
  EXPECT_EQ(find("abcdefgh").checkpoint->at, 2);
  EXPECT_EQ(find("abcdefg").checkpoint->at, 5);
  EXPECT_EQ(find("abcdef").checkpoint->at, 5);
  EXPECT_EQ(find("abcd").checkpoint->at, 4);
}

TEST_F(PrefixTreeTest, uses_a_log_only_up_to_where_the_prompt_leaves_the_sequence_that_recorded_it) {
  insert("abcdefghijkl", {{2, 12}});
  insert("abcdefxy");       // splits the run inside of the log
  insert("abcdefghxy");     // and once more
  insert("abcdefghijkxy");  // and once more
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

TEST_F(PrefixTreeTest, gives_every_branch_the_checkpoint_at_the_boundary) {
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
  EXPECT_EQ(find("x").checkpoint, nullptr);
}

TEST_F(PrefixTreeTest, follows_a_log_that_grows_but_not_beyond_the_tokens_inserted_with_it) {
  Sequence sequence = run("abcd", {{2, 3}});
  test_prefix::insert(tree_, sequence);
  insert("abcdefgh");  // another sequence went on alike
  Tokens& log = sequence.checkpoints[0]->tokens;
  EXPECT_EQ(reused("abcdefgh"), 3);
  log = ids("abcdex");
  EXPECT_EQ(reused("abcdefgh"), 4);
  for (const int32_t token : ids("ex")) sequence.append(budget_, token);
  test_prefix::insert(tree_, sequence);
  EXPECT_EQ(reused("abcdefgh"), 5);
  EXPECT_EQ(reused("abcdex"), 6);
  sequence.append(budget_, 'y');
  test_prefix::insert(tree_, sequence);
  EXPECT_EQ(reused("abcdexy"), 6);
  log.push_back('y');
  EXPECT_EQ(reused("abcdexy"), 7);
  EXPECT_EQ(tree_.checkpoints(), 1);
}

TEST_F(PrefixTreeTest, lets_no_other_sequence_take_over_a_log) {
  Sequence recorder = run("abcd", {{2, 4}});
  test_prefix::insert(tree_, recorder);
  Sequence other = run("abcxyz");
  other.checkpoints = recorder.checkpoints;
  test_prefix::insert(tree_, other);
  EXPECT_EQ(reused("abcxyz"), 3);
  EXPECT_EQ(reused("abcd"), 4);
}

TEST_F(PrefixTreeTest, asks_only_the_checkpoints_along_the_prompt) {
  std::vector<Sequence> others;
  for (char letter = 'c'; letter <= 'z'; ++letter) others.push_back(run(std::string("ab") + letter, {{3, 3}}));
  for (const Sequence& other : others) test_prefix::insert(tree_, other);
  insert("abAA", {{2, 4}});
  const auto asked = [&] {
    int64_t sum = 0;
    for (const Sequence& other : others) sum += other.checkpoints[0]->times_asked;
    return sum;
  };
  const int64_t before = asked();
  EXPECT_EQ(reused("abAA"), 4);
  EXPECT_EQ(asked(), before);
  EXPECT_EQ(reused("abc"), 3);
  EXPECT_EQ(asked(), before + 1);
}

// ---- what is kept --------------------------------------------------------------------------------------------------

TEST_F(PrefixTreeTest, keeps_of_two_checkpoints_at_one_position_the_one_that_covers_more) {
  insert("abcdef", {{2, 4}});
  insert("abcdef", {{2, 3}});
  EXPECT_EQ(reused("abcdef"), 4);
  insert("abcdef", {{2, 5}});
  EXPECT_EQ(reused("abcdef"), 5);
  EXPECT_EQ(tree_.checkpoints(), 1);
}

TEST_F(PrefixTreeTest, keeps_the_older_of_two_checkpoints_that_cover_as_much) {
  Sequence older = run("abcd", {{2, 4}});
  test_prefix::insert(tree_, older);
  insert("abcx", {{2, 4}});
  EXPECT_EQ(find("abcd").checkpoint, older.checkpoints[0]);
}

TEST_F(PrefixTreeWithoutStateTest, keeps_the_older_page_of_equal_positions) {
  const Sequence older = run("abcdefgh"), newer = run("abcdefgh");
  test_prefix::insert(tree_, older);
  test_prefix::insert(tree_, newer);
  EXPECT_EQ(find("abcdefgh").pages, older.pages);
  EXPECT_EQ(tree_.nodes(), 1);
}

TEST_F(PrefixTreeWithoutStateTest, takes_a_page_that_two_branches_have_from_the_branch_of_the_prompt) {
  const Sequence first = run("abcdefgh"), second = run("abcdexyz");  // the second page of both begins with e
  test_prefix::insert(tree_, first);
  test_prefix::insert(tree_, second);
  EXPECT_EQ(find("abcdexy").pages, (std::vector{first.pages[0], second.pages[1]}));
  EXPECT_EQ(find("abcdef").pages, first.pages);
  EXPECT_EQ(find("abcde").pages, first.pages);
}

TEST_F(PrefixTreeWithoutStateTest, takes_a_page_that_was_filled_later_from_the_longer_sequence) {
  const Sequence first = run("abcdef"), second = run("abcdefgh");
  test_prefix::insert(tree_, first);
  test_prefix::insert(tree_, second);
  EXPECT_EQ(find("abcdefg").pages, (std::vector{first.pages[0], second.pages[1]}));
}

TEST_F(PrefixTreeTest, drops_no_tokens_when_it_takes_some_in_that_no_checkpoint_covers) {
  insert("abcdefgh", {{2, 3}});
  EXPECT_EQ(tree_.tokens(), 8);
  EXPECT_EQ(find("abcdefgh").known, 8);
}

TEST_F(PrefixTreeTest, calls_it_a_bug_to_insert_what_does_not_fit_together) {
  const Sequence good = run("abcdefgh", {{6, 8}});
  const auto few_pages = std::span(good.pages).first(1);
  expect_error(ErrorCode::kInternal, "pages", [&] { tree_.insert(good.tokens, few_pages, {}); });
  const auto few_tokens = std::span(good.tokens).first(4);
  expect_error(ErrorCode::kInternal, "position", [&] { tree_.insert(few_tokens, few_pages, good.checkpoints); });
  expect_error(ErrorCode::kInternal, "page_positions", [] { Tree({.page_positions = 0}); });
}

TEST_F(PrefixTreeWithoutStateTest, calls_it_a_bug_to_insert_a_checkpoint) {
  const Sequence sequence = run("abcd", {{2, 4}});
  expect_error(ErrorCode::kInternal, "needs_checkpoints", [&] { test_prefix::insert(tree_, sequence); });
}

// ---- what is dropped -----------------------------------------------------------------------------------------------

TEST_F(PrefixTreeTest, drops_the_checkpoint_first_that_was_used_longest_ago) {
  insert("abcdef", {{2, 3}, {4, 5}, {6, 6}});
  EXPECT_EQ(reused("abx"), 2);
  EXPECT_EQ(reused("abcdx"), 4);
  EXPECT_EQ(reused("abx"), 2);
  ASSERT_TRUE(tree_.evict_one());  // that of position 6, which was only inserted
  EXPECT_EQ(tree_.checkpoints(), 2);
  EXPECT_EQ(reused("abcdef"), 5);
  EXPECT_EQ(reused("abx"), 2);
  ASSERT_TRUE(tree_.evict_one());  // that of position 4
  EXPECT_EQ(reused("abcdef"), 3);
}

TEST_F(PrefixTreeTest, counts_inserting_again_as_use) {
  for (const char* text : {"aaaa", "bbbb", "cccc", "bbbb"}) insert(text, {{4, 4}});
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("aaaa").known, 0);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("cccc").known, 0);
  EXPECT_EQ(reused("bbbb"), 4);
}

TEST_F(PrefixTreeTest, drops_the_lowest_of_equally_old_checkpoints_so_that_the_longest_reuse_stays) {
  insert("abcdef");
  insert("abcdefgh", {{2, 2}, {5, 5}, {8, 8}});
  insert("abcdxx");  // splits the run between 2 and 5
  ASSERT_TRUE(tree_.evict_one());
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(reused("abcdefgh"), 8);
}

TEST_F(PrefixTreeTest, drops_with_a_checkpoint_the_tokens_that_no_hit_can_reach_any_more) {
  insert("abcdefghijkl", {{2, 5}, {10, 12}});
  EXPECT_EQ(reused("abcdx"), 4);
  EXPECT_EQ(budget_.used(), 3 + 2);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.tokens(), 5);
  EXPECT_EQ(budget_.used(), 2 + 1);
  EXPECT_EQ(find("abcdefghijkl").known, 5);
}

TEST_F(PrefixTreeTest, drops_with_a_checkpoint_all_nodes_that_its_log_ran_through) {
  const Sequence sequence = run("abcdefgh", {{2, 8}});
  tree_.insert(std::span(sequence.tokens).first(3), std::span(sequence.pages).first(1), {});
  tree_.insert(std::span(sequence.tokens).first(6), sequence.pages, {});
  test_prefix::insert(tree_, run("abcdefgh", {{2, 8}}));
  EXPECT_EQ(tree_.nodes(), 3);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
}

TEST_F(PrefixTreeTest, keeps_the_tokens_that_lead_to_another_checkpoint) {
  insert("abcdef", {{4, 6}});
  insert("abcdxy", {{6, 6}});
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(reused("abcdxy"), 6);
  EXPECT_EQ(find("abcdef").known, 4);
}

TEST_F(PrefixTreeTest, keeps_what_the_log_of_an_earlier_checkpoint_still_reaches_when_a_leaf_goes) {
  insert("abcdefgh", {{2, 6}, {8, 8}});
  EXPECT_EQ(reused("abcdefx"), 6);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.tokens(), 6);
  EXPECT_EQ(reused("abcdef"), 6);
}

TEST_F(PrefixTreeTest, drops_with_a_leaf_the_tokens_that_led_only_to_its_checkpoint) {
  insert("abcd");
  Sequence sequence = run("abcdefgh", {{8, 8}});
  test_prefix::insert(tree_, sequence);
  sequence.pages.clear();  // the checkpoint is still held
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
}

TEST_F(PrefixTreeWithoutStateTest, keeps_the_age_of_what_it_splits) {
  insert("bbbb");
  insert("aaaa1111");
  insert("aaaa2222");
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("bbbb").known, 0);
  EXPECT_EQ(find("aaaa1111").tokens, 8);
}

TEST_F(PrefixTreeWithoutStateTest, drops_the_leaf_first_that_was_used_longest_ago) {
  insert("abcd1111");
  insert("abcd2222");
  insert("abcd3333");
  EXPECT_EQ(find("abcd1111").tokens, 8);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("abcd2222").tokens, 4);
  EXPECT_EQ(find("abcd1111").tokens, 8);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("abcd3333").tokens, 4);
  ASSERT_TRUE(tree_.evict_one());
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_FALSE(tree_.evict_one());
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(PrefixTreeTest, does_not_count_tokens_as_used_that_were_known_but_not_reused) {
  insert("aaaa");
  insert("bbbb");
  EXPECT_EQ(reused("aaaa"), 0);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("aaaa").known, 0);
  EXPECT_EQ(find("bbbb").known, 4);
}

TEST_F(PrefixTreeTest, drops_nothing_that_somebody_else_holds) {
  const Sequence sequence = run("abcdefgh", {{4, 8}});
  test_prefix::insert(tree_, sequence);
  EXPECT_FALSE(tree_.evict_one());
  EXPECT_EQ(reused("abcdefgh"), 8);
}

TEST_F(PrefixTreeTest, drops_a_leaf_of_which_somebody_holds_a_part) {
  Sequence sequence = run("abcdefgh", {{4, 8}});
  test_prefix::insert(tree_, sequence);
  sequence.pages.pop_back();
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
  EXPECT_EQ(budget_.used(), 2);  // a page and the checkpoint
}

TEST_F(PrefixTreeTest, holds_what_a_match_holds) {
  insert("abcdefgh", {{4, 8}});
  const Tree::Match match = find("abcdefgh");
  EXPECT_FALSE(tree_.evict_one());
  tree_.clear();
  EXPECT_TRUE(is_of(match, ids("abcdefgh")));
}

TEST_F(PrefixTreeWithoutStateTest, frees_a_page_that_overlaps_two_nodes_with_the_second_of_them) {
  Sequence sequence = run("ab");
  test_prefix::insert(tree_, sequence);
  sequence.append(budget_, 'c');  // goes on in the same page
  test_prefix::insert(tree_, sequence);
  EXPECT_FALSE(tree_.evict_one());
  sequence.pages.clear();
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(budget_.used(), 1);
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(PrefixTreeWithoutStateTest, frees_a_page_that_two_nodes_hold_around_one_that_has_another) {
  Sequence sequence = run("a");
  test_prefix::insert(tree_, sequence);
  insert("ab");
  for (const int32_t token : ids("bc")) sequence.append(budget_, token);
  test_prefix::insert(tree_, sequence);
  sequence.pages.clear();
  while (tree_.evict_one()) {
  }
  EXPECT_EQ(tree_.nodes(), 0);
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(PrefixTreeTest, holds_nothing_after_clear) {
  insert("abcdefgh", {{4, 8}});
  insert("abcdexyz", {{0, 8}});
  tree_.clear();
  EXPECT_EQ(budget_.used(), 0);
  EXPECT_EQ(tree_.nodes() + tree_.tokens() + tree_.checkpoints(), 0);
  EXPECT_EQ(find("abcdefgh").reason, MissReason::kNothingCached);
}

TEST(PrefixTree, needs_no_stack_for_its_depth) {
  const auto work = [](void*) -> void* {
    constexpr int64_t kDepth = 5000;
    MemoryBudget budget(10);
    Tree tree({.page_positions = kDepth, .needs_checkpoints = false});
    Tokens tokens(kDepth, 0);
    const std::vector page{std::shared_ptr<Page>(new Page{test_prefix::Holding(budget), {}})};
    tree.insert(tokens, page, {});
    for (int64_t at = kDepth - 1; at > 0; --at) {
      tokens[at] = 1;
      tree.insert(std::span(tokens).first(at + 1), page, {});
      tokens[at] = 0;
    }
    EXPECT_EQ(tree.nodes(), 2 * kDepth - 1);
    EXPECT_EQ(tree.find(tokens, kDepth).tokens, kDepth);
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);  // 26 bytes for each level
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, work, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace moebius
