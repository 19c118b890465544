// Tests which requests a memory budget grants, and that its sums stay right.
#include "cache/memory_budget.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

TEST(MemoryBudget, can_be_taken_to_the_last_byte_and_not_beyond) {
  MemoryBudget budget(10);
  EXPECT_TRUE(budget.try_reserve(4));
  EXPECT_TRUE(budget.try_reserve(6));
  EXPECT_FALSE(budget.try_reserve(1));
  EXPECT_EQ(budget.used(), 10);
  EXPECT_EQ(budget.limit(), 10);
}

TEST(MemoryBudget, takes_nothing_when_it_refuses) {
  MemoryBudget budget(10);
  EXPECT_FALSE(budget.try_reserve(11));
  EXPECT_EQ(budget.used(), 0);
  EXPECT_EQ(budget.peak(), 0);
}

TEST(MemoryBudget, can_be_taken_again_after_it_was_given_back) {
  MemoryBudget budget(10);
  EXPECT_TRUE(budget.try_reserve(10));
  budget.release(3);
  EXPECT_FALSE(budget.try_reserve(4));
  EXPECT_TRUE(budget.try_reserve(3));
}

TEST(MemoryBudget, remembers_the_most_that_was_used) {
  MemoryBudget budget(10);
  EXPECT_TRUE(budget.try_reserve(7));
  budget.release(7);
  EXPECT_TRUE(budget.try_reserve(2));
  EXPECT_EQ(budget.peak(), 7);
}

TEST(MemoryBudget, refuses_the_largest_number_without_overflow) {
  MemoryBudget budget(std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(budget.try_reserve(1));
  EXPECT_FALSE(budget.try_reserve(std::numeric_limits<int64_t>::max()));
}

TEST(MemoryBudget, calls_it_a_bug_to_give_more_than_was_taken_or_to_count_backwards) {
  MemoryBudget budget(10);
  EXPECT_TRUE(budget.try_reserve(3));
  testing::expect_error(ErrorCode::kInternal, "used_bytes_", [&] { budget.release(4); });
  testing::expect_error(ErrorCode::kInternal, "bytes >= 0", [&] { budget.release(-1); });
  testing::expect_error(ErrorCode::kInternal, "bytes >= 0", [&] { static_cast<void>(budget.try_reserve(-1)); });
  testing::expect_error(ErrorCode::kInternal, "limit_bytes >= 0", [] { MemoryBudget{-1}; });
  EXPECT_EQ(budget.used(), 3);
}

}  // namespace
}  // namespace moebius::internal
