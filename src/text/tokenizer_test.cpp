#include "text/tokenizer.h"

#include <gtest/gtest.h>
TEST(T, x) { EXPECT_EQ(1, 1); }
