// The search for added tokens: leftmost, then longest, outside of what a user wrote.
#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace moebius::internal {
namespace {

// The parts of a text, with found tokens in brackets.
std::string parts_of(const AddedTokenFinder& finder, const MarkedText& marked) {
  std::string shown;
  for (const TextPart& part : finder.parts(view(marked))) {
    const std::string text = marked.text.substr(part.range.begin, part.range.end - part.range.begin);
    shown += part.token ? "[" + text + "]" : text + ",";
  }
  return shown;
}

const AddedTokenFinder& finder() {
  static const AddedTokenFinder all({{"ab", 1}, {"abcd", 2}, {"bc", 3}, {"x", 4}, {"\xc3\xa9", 5}});
  return all;
}

TEST(AddedTokens, are_found_leftmost_and_longest) {
  struct Row {
    std::string text;
    std::string parts;
  };
  const Row rows[] = {{"", ""},
                      {"zz", "zz,"},
                      {"ab", "[ab]"},
                      {"abc", "[ab]c,"},
                      {"abcd", "[abcd]"},
                      {"abcabcd", "[ab]c,[abcd]"},
                      {"zbcd", "z,[bc]d,"},
                      {"xx", "[x][x]"},
                      {"aab", "a,[ab]"},
                      {"a\xc3\xa9z", "a,[\xc3\xa9]z,"}};
  for (const Row& row : rows) EXPECT_EQ(parts_of(finder(), {row.text, {}}), row.parts);
}

TEST(AddedTokens, are_found_where_they_overlap_no_byte_of_a_user) {
  struct Row {
    std::string text;
    std::vector<ByteRange> user;
    std::string parts;
  };
  const Row rows[] = {{"ab", {{0, 2}}, "ab,"},
                      {"ab", {{1, 2}}, "ab,"},
                      {"abcd", {{3, 4}}, "[ab]cd,"},
                      {"abcd", {{2, 3}}, "[ab]cd,"},
                      {"abcd", {{0, 1}}, "a,[bc]d,"},
                      {"xabx", {{1, 3}}, "[x]ab,[x]"},
                      {"xxxx", {{0, 1}, {2, 3}}, "x,[x]x,[x]"}};
  for (const Row& row : rows) EXPECT_EQ(parts_of(finder(), {row.text, row.user}), row.parts) << row.text;
}

AddedToken flagged(const char* content, bool lstrip, bool rstrip, bool single_word = false) {
  return {.content = content, .single_word = single_word, .lstrip = lstrip, .rstrip = rstrip};
}

TEST(AddedTokens, take_the_white_space_around_them_where_their_flags_say_so) {
  const AddedTokenFinder strips({flagged("<l>", true, false), flagged("<r>", false, true), flagged("<b>", true, true)});
  struct Row {
    std::string text;
    std::string parts;
  };
  const Row rows[] = {{"a  <l>  b", "a,[  <l>]  b,"},
                      {"a  <r> \n b", "a  ,[<r> \n ]b,"},
                      {"  <b>  <b>\u3000", "[  <b>  ][<b>\u3000]"},
                      {"<r>  <l>", "[<r>  ][<l>]"},
                      {"\u200b<l>", "\u200b,[<l>]"}};
  for (const Row& row : rows) EXPECT_EQ(parts_of(strips, {row.text, {}}), row.parts);
  EXPECT_EQ(parts_of(strips, {" <l> ", {{0, 1}}}), "[ <l>] ,");
  EXPECT_EQ(parts_of(strips, {" <l> ", {{1, 2}}}), " <l> ,");
}

TEST(AddedTokens, are_no_part_of_a_word_where_their_flag_says_so) {
  const AddedTokenFinder words({flagged("ab", false, false, true), {.content = "-"}});
  struct Row {
    std::string text;
    std::string parts;
  };
  const Row rows[] = {{"ab", "[ab]"},
                      {"ab.ab", "[ab].,[ab]"},
                      {"abab", "abab,"},
                      {"xab abx", "xab abx,"},
                      {"ab_ 1ab", "ab_ 1ab,"},
                      {"ab\u00b2", "[ab]\u00b2,"},
                      {"ab\u0301 \u24b6ab ab\u200d", "ab\u0301 \u24b6ab ab\u200d,"},
                      {"\u4e16ab", "\u4e16ab,"},
                      {"x-ab", "x,[-][ab]"}};
  for (const Row& row : rows) EXPECT_EQ(parts_of(words, {row.text, {}}), row.parts);
  EXPECT_EQ(parts_of(words, {"xab", {{0, 1}}}), "xab,");
}

TEST(AddedTokens, of_white_space_that_take_white_space_are_found_in_linear_time) {
  const AddedTokenFinder spaces({flagged(" ", true, true)});
  const std::string text(1'000'000, ' ');
  EXPECT_EQ(spaces.parts(view({text, {}})).size(), text.size());
}

TEST(AddedTokens, ranges_are_cut_to_the_part_of_the_text) {
  const std::vector<ByteRange> user = {{1, 3}, {5, 6}, {8, 12}};
  EXPECT_EQ(ranges_within(user, {2, 9}), (std::vector<ByteRange>{{0, 1}, {3, 4}, {6, 7}}));
  EXPECT_TRUE(ranges_within(user, {3, 5}).empty());
}

}  // namespace
}  // namespace moebius::internal
