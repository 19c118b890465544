// Tests the words that --speculate of the bench accepts. The measuring itself runs in tests/e2e/demo_test.py.
#include "bench/bench_sequences.h"

#include <gtest/gtest.h>

namespace moebius::internal::apps {
namespace {

TEST(SequencesArm, drafts_as_a_mode_says) {
  const SequencesArm arm = parse_sequences_arm("mtp:3");
  EXPECT_EQ(arm.mode, (SpeculationMode{.mtp = true, .depth = 3}));
  EXPECT_FALSE(arm.oracle);
}

TEST(SequencesArm, may_know_the_answer_and_err_at_a_rate) {
  const SequencesArm arm = parse_sequences_arm("oracle:0.3");
  EXPECT_TRUE(arm.oracle);
  EXPECT_DOUBLE_EQ(arm.errors.rate, 0.3);
  EXPECT_EQ(arm.mode.depth, 0);
  EXPECT_EQ(parse_sequences_arm("oracle:0:7").mode.depth, 7);
}

TEST(SequencesArm, is_refused_when_it_is_none) {
  for (const char* word :
       {"always", "oracle:", "oracle:x", "oracle:1.5", "oracle:-1", "oracle:0.3:", "oracle:0.3:99"}) {
    EXPECT_THROW(parse_sequences_arm(word), Error) << word;
  }
}

}  // namespace
}  // namespace moebius::internal::apps
