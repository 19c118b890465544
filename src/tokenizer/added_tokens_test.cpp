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

TEST(AddedTokens, ranges_are_cut_to_the_part_of_the_text) {
  const std::vector<ByteRange> user = {{1, 3}, {5, 6}, {8, 12}};
  EXPECT_EQ(ranges_within(user, {2, 9}), (std::vector<ByteRange>{{0, 1}, {3, 4}, {6, 7}}));
  EXPECT_TRUE(ranges_within(user, {3, 5}).empty());
}

}  // namespace
}  // namespace moebius::internal
