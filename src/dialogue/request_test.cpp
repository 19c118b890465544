// Tests the names of the values of AnswerEnd.
#include "moebius/request.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

TEST(Request, every_end_has_a_word_of_its_own) {
  EXPECT_EQ(name(AnswerEnd::kNone), "none");
  EXPECT_EQ(name(AnswerEnd::kStop), "stop");
  EXPECT_EQ(name(AnswerEnd::kLength), "length");
  EXPECT_EQ(name(AnswerEnd::kCancelled), "cancelled");
  EXPECT_EQ(name(AnswerEnd::kFailed), "failed");
}

}  // namespace
}  // namespace moebius::internal
