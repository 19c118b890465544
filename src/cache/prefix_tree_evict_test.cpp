// Tests what the prefix tree evicts, in which order, and what else it drops with each eviction. Also tests that a deep
// tree needs no deep stack.
#include <gtest/gtest.h>
#include <pthread.h>

#include "cache/prefix_tree.h"
#include "cache/testing/prefix_fixture.h"

namespace moebius::internal {
namespace {

using testing::is_of;
using testing::Page;
using testing::Sequence;
using testing::Tokens;
using testing::Tree;
using PrefixTreeEvictTest = testing::Fixture;
using PrefixTreeEvictWithoutStateTest = testing::FixtureWithoutState;

TEST_F(PrefixTreeEvictTest, drops_the_snapshot_first_that_was_used_longest_ago) {
  insert("abcdef", {{2, 3}, {4, 5}, {6, 6}});
  EXPECT_EQ(reused("abx"), 2);
  EXPECT_EQ(reused("abcdx"), 4);
  EXPECT_EQ(reused("abx"), 2);
  ASSERT_TRUE(tree_.evict_one());  // drops the snapshot at position 6, which was inserted but never found
  EXPECT_EQ(tree_.snapshots(), 2);
  EXPECT_EQ(reused("abcdef"), 5);
  EXPECT_EQ(reused("abx"), 2);
  ASSERT_TRUE(tree_.evict_one());  // drops the snapshot at position 4
  EXPECT_EQ(reused("abcdef"), 3);
}

TEST_F(PrefixTreeEvictTest, counts_inserting_again_as_use) {
  for (const char* text : {"aaaa", "bbbb", "cccc", "bbbb"}) insert(text, {{4, 4}});
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("aaaa").known, 0);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("cccc").known, 0);
  EXPECT_EQ(reused("bbbb"), 4);
}

TEST_F(PrefixTreeEvictTest, drops_the_lowest_of_equally_old_snapshots_so_that_the_longest_reuse_stays) {
  insert("abcdef");
  insert("abcdefgh", {{2, 2}, {5, 5}, {8, 8}});
  insert("abcdxx");  // splits the run between the snapshots at 2 and 5
  ASSERT_TRUE(tree_.evict_one());
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(reused("abcdefgh"), 8);
}

TEST_F(PrefixTreeEvictTest, drops_with_a_snapshot_the_tokens_that_no_hit_can_reach_any_more) {
  insert("abcdefghijkl", {{2, 5}, {10, 12}});
  EXPECT_EQ(reused("abcdx"), 4);
  EXPECT_EQ(budget_.used(), 3 + 2);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.tokens(), 5);
  EXPECT_EQ(budget_.used(), 2 + 1);
  EXPECT_EQ(find("abcdefghijkl").known, 5);
}

TEST_F(PrefixTreeEvictTest, drops_with_a_snapshot_all_nodes_that_its_log_ran_through) {
  const Sequence sequence = run("abcdefgh", {{2, 8}});
  tree_.insert(std::span(sequence.tokens).first(3), std::span(sequence.pages).first(1), {});
  tree_.insert(std::span(sequence.tokens).first(6), sequence.pages, {});
  insert(run("abcdefgh", {{2, 8}}));
  EXPECT_EQ(tree_.nodes(), 3);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
}

TEST_F(PrefixTreeEvictTest, keeps_the_tokens_that_lead_to_another_snapshot) {
  insert("abcdef", {{4, 6}});
  insert("abcdxy", {{6, 6}});
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(reused("abcdxy"), 6);
  EXPECT_EQ(find("abcdef").known, 4);
}

TEST_F(PrefixTreeEvictTest, keeps_what_the_log_of_an_earlier_snapshot_still_reaches_when_a_leaf_goes) {
  insert("abcdefgh", {{2, 6}, {8, 8}});
  EXPECT_EQ(reused("abcdefx"), 6);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.tokens(), 6);
  EXPECT_EQ(reused("abcdef"), 6);
}

TEST_F(PrefixTreeEvictTest, drops_with_a_leaf_the_tokens_that_led_only_to_its_snapshot) {
  insert("abcd");
  Sequence sequence = run("abcdefgh", {{8, 8}});
  insert(sequence);
  sequence.pages.clear();  // the sequence still holds its snapshot
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
}

TEST_F(PrefixTreeEvictWithoutStateTest, keeps_the_age_of_what_it_splits) {
  insert("bbbb");
  insert("aaaa1111");
  insert("aaaa2222");
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("bbbb").known, 0);
  EXPECT_EQ(find("aaaa1111").tokens, 8);
}

TEST_F(PrefixTreeEvictWithoutStateTest, drops_the_leaf_first_that_was_used_longest_ago) {
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

TEST_F(PrefixTreeEvictTest, does_not_count_tokens_as_used_that_were_known_but_not_reused) {
  insert("aaaa");
  insert("bbbb");
  EXPECT_EQ(reused("aaaa"), 0);
  ASSERT_TRUE(tree_.evict_one());
  EXPECT_EQ(find("aaaa").known, 0);
  EXPECT_EQ(find("bbbb").known, 4);
}

TEST_F(PrefixTreeEvictTest, drops_nothing_that_somebody_else_holds) {
  const Sequence sequence = run("abcdefgh", {{4, 8}});
  insert(sequence);
  EXPECT_FALSE(tree_.evict_one());
  EXPECT_EQ(reused("abcdefgh"), 8);
}

TEST_F(PrefixTreeEvictTest, drops_a_leaf_of_which_somebody_holds_a_part) {
  Sequence sequence = run("abcdefgh", {{4, 8}});
  insert(sequence);
  sequence.pages.pop_back();
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(tree_.nodes(), 0);
  EXPECT_EQ(budget_.used(), 2);  // one page and the snapshot
}

TEST_F(PrefixTreeEvictTest, holds_what_a_match_holds) {
  insert("abcdefgh", {{4, 8}});
  const Tree::Match match = find("abcdefgh");
  EXPECT_FALSE(tree_.evict_one());
  tree_.clear();
  EXPECT_TRUE(is_of(match, ids("abcdefgh")));
}

TEST_F(PrefixTreeEvictWithoutStateTest, frees_a_page_that_overlaps_two_nodes_with_the_second_of_them) {
  Sequence sequence = run("ab");
  insert(sequence);
  sequence.append(budget_, 'c');  // this token is in the same page
  insert(sequence);
  EXPECT_FALSE(tree_.evict_one());
  sequence.pages.clear();
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(budget_.used(), 1);
  EXPECT_TRUE(tree_.evict_one());
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(PrefixTreeEvictWithoutStateTest, frees_a_page_that_two_nodes_hold_around_one_that_has_another) {
  Sequence sequence = run("a");
  insert(sequence);
  insert("ab");
  for (const int32_t token : ids("bc")) sequence.append(budget_, token);
  insert(sequence);
  sequence.pages.clear();
  while (tree_.evict_one()) {
  }
  EXPECT_EQ(tree_.nodes(), 0);
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(PrefixTreeEvictTest, holds_nothing_after_clear) {
  insert("abcdefgh", {{4, 8}});
  insert("abcdexyz", {{0, 8}});
  tree_.clear();
  EXPECT_EQ(budget_.used(), 0);
  EXPECT_EQ(tree_.nodes() + tree_.tokens() + tree_.snapshots(), 0);
  EXPECT_EQ(find("abcdefgh").reason, MissReason::kNothingCached);
}

TEST(PrefixTree, needs_no_stack_for_its_depth) {
  const auto work = [](void*) -> void* {
    constexpr int64_t kDepth = 5000;
    MemoryBudget budget(10);
    Tree tree({.page_positions = kDepth, .needs_snapshots = false});
    Tokens tokens(kDepth, 0);
    const std::vector page{std::shared_ptr<Page>(new Page{testing::Holding(budget), {}})};
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
  pthread_attr_setstacksize(&attributes, 128 * 1024);  // this leaves 26 bytes for each level
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, work, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace moebius::internal
