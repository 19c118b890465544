// Tests every valid value of --speculate, and invalid ones.
#include "speculate/speculation_mode.h"

#include <gtest/gtest.h>

#include <string>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

TEST(SpeculationMode, is_read_from_one_word) {
  struct Row {
    const char* text;
    SpeculationMode mode;
  };
  const Row rows[] = {
      {"none", {}},
      {"auto", {.mtp = true, .ngram = true}},
      {"mtp", {.mtp = true}},
      {"ngram", {.ngram = true}},
      {"mtp:1", {.mtp = true, .depth = 1}},
      {"ngram:15", {.ngram = true, .depth = 15}},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_speculation_mode(row.text), row.mode) << row.text;
}

TEST(SpeculationMode, that_is_unknown_is_refused_with_what_there_is) {
  for (const char* text : {"", "off", "MTP", "mtp:", "mtp:0", "mtp:16", "mtp:-1", "mtp:+1", "mtp:1.5", "mtp:3 ", " mtp",
                           "auto:3", "none:1", "ngram:3:4", "ngram:99999999999999999999"}) {
    const std::string all =
        "--speculate: expected none, auto, mtp, ngram, mtp:N or ngram:N with N from 1 to 15, got \"";
    testing::expect_error(ErrorCode::kUsage, all + text + '"', [&] { parse_speculation_mode(text); });
  }
}

TEST(SpeculationMode, is_valid_with_a_depth_of_one_source_up_to_the_largest) {
  for (const char* text : {"none", "auto", "mtp", "mtp:1", "ngram:15"}) {
    EXPECT_NO_THROW(check(parse_speculation_mode(text))) << text;
  }
  for (const SpeculationMode& mode :
       {SpeculationMode{.mtp = true, .depth = 16}, SpeculationMode{.ngram = true, .depth = -1}}) {
    testing::expect_error(ErrorCode::kUsage, "depth of 0 to 15", [&] { check(mode); });
  }
  for (const SpeculationMode& mode :
       {SpeculationMode{.mtp = true, .ngram = true, .depth = 2}, SpeculationMode{.depth = 2}}) {
    testing::expect_error(ErrorCode::kUsage, "exactly one source", [&] { check(mode); });
  }
}

}  // namespace
}  // namespace moebius::internal
