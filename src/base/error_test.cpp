// Tests the names, exit codes and messages of errors, and what a hostile name can do to a message.
#include "moebius/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/check.h"
#include "base/quote.h"
#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

constexpr int kLastCode = static_cast<int>(ErrorCode::kInterrupted);

TEST(Error, has_a_name_of_its_own_for_every_code) {
  std::set<std::string_view> names;
  for (int code = 0; code <= kLastCode; ++code) names.insert(name(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kLastCode + 1));
}

TEST(Error, ends_a_program_with_65_for_bad_data_and_66_for_missing_input) {
  struct Row {
    ErrorCode code;
    int exit;
  };
  const Row rows[] = {
      {ErrorCode::kHeaderTooSmall, 65},
      {ErrorCode::kTruncated, 65},
      {ErrorCode::kDuplicateKey, 65},
      {ErrorCode::kPathEscape, 65},
      {ErrorCode::kBadConfig, 65},
      {ErrorCode::kUnsupported, 65},
      {ErrorCode::kNonFinite, 65},
      {ErrorCode::kMissingShard, 66},
      {ErrorCode::kMissingInput, 66},
      {ErrorCode::kUnreadable, 66},
      {ErrorCode::kIo, 1},
      {ErrorCode::kExists, 1},
      {ErrorCode::kUsage, 2},
      {ErrorCode::kUnavailable, 69},
      {ErrorCode::kInternal, 70},
      {ErrorCode::kInterrupted, 130},
  };
  for (const Row& row : rows) EXPECT_EQ(exit_code(row.code), row.exit) << name(row.code);
}

TEST(Error, says_where_what_and_what_to_do) {
  const Error error(ErrorCode::kTruncated, "a.safetensors", "has 3 of 8 bytes", "download it again");
  EXPECT_STREQ(error.what(), "a.safetensors: has 3 of 8 bytes; download it again");
  EXPECT_EQ(error.hint(), "download it again");
}

TEST(Error, has_no_third_part_without_a_hint) { EXPECT_STREQ(Error(ErrorCode::kIo, "a", "b").what(), "a: b"); }

TEST(Error, shows_control_characters_of_a_file_instead_of_sending_them_to_the_terminal) {
  const Error error(ErrorCode::kBadTensor, "a\x1b[2Jb\n\x7f", "\xc2\x9b!");
  EXPECT_STREQ(error.what(), R"(a\x1b[2Jb\x0a\x7f: \xc2\x9b!)");
}

TEST(Error, shows_bytes_that_are_not_utf8) {
  EXPECT_STREQ(Error(ErrorCode::kIo, "\xff\xc3", "\xe2\x82\xac \xed\xa0\x80").what(),
               "\\xff\\xc3: \xe2\x82\xac \\xed\\xa0\\x80");
}

TEST(Error, bounds_the_message_whatever_the_length_of_a_name) {
  const Error error(ErrorCode::kBadTensor, std::string(1 << 20, 'w'), "x");
  EXPECT_LT(std::string(error.what()).size(), 5000u);
}

TEST(Quote, keeps_both_ends_of_a_long_text) {
  EXPECT_EQ(printable("model.layers.0.mlp.down_proj.weight", 12), "model....weight");
}

TEST(Quote, accepts_exactly_the_utf8_characters_of_the_standard) {
  struct Row {
    const char* text;
    size_t length;
  };
  const Row rows[] = {{"a", 1},
                      {"\xc2\x80", 2},
                      {"\xe0\xa0\x80", 3},
                      {"\xef\xbf\xbf", 3},
                      {"\xf0\x90\x80\x80", 4},
                      {"\xf4\x8f\xbf\xbf", 4},
                      {"\x80", 0},              // continuation first
                      {"\xc1\xbf", 0},          // overlong, two bytes
                      {"\xe0\x9f\xbf", 0},      // overlong, three bytes
                      {"\xf0\x8f\xbf\xbf", 0},  // overlong, four bytes
                      {"\xed\xa0\x80", 0},      // surrogate
                      {"\xf4\x90\x80\x80", 0},  // above U+10FFFF
                      {"\xf5\x80\x80\x80", 0},
                      {"\xe2\x82", 0}};  // cut off
  for (const Row& row : rows) EXPECT_EQ(utf8_length(row.text, 0), row.length) << printable(row.text, 16);
}

TEST(Check, throws_internal_with_the_condition_and_the_place) {
  testing::expect_error(ErrorCode::kInternal, "1 == 2", [] { MOEBIUS_CHECK(1 == 2); });
  testing::expect_error(ErrorCode::kInternal, "error_test.cpp:", [] { MOEBIUS_CHECK(false); });
}

TEST(Check, evaluates_a_condition_that_holds_once) {
  int count = 0;
  MOEBIUS_CHECK(++count == 1);
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace moebius::internal
