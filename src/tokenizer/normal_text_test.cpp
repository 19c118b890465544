// Tests text before it is split. It is repaired to UTF-8 (utf8_repair.h) and normalized (nfc.h), and the user's ranges
// are carried along.
#include <gtest/gtest.h>

#include <ostream>

#include "base/utf8_repair.h"
#include "tokenizer/nfc.h"

namespace moebius::internal {

static std::ostream& operator<<(std::ostream& out, const ByteRange& range) {
  return out << range.begin << "-" << range.end;
}

namespace {

using Ranges = std::vector<ByteRange>;

MarkedText nfc(const MarkedText& marked) { return to_nfc(view(marked)); }
MarkedText repaired(const MarkedText& marked) { return repaired_utf8(view(marked)); }

TEST(Utf8Repair, replaces_each_longest_beginning_of_a_character_once) {
  struct Row {
    std::string_view bytes;
    std::string_view text;
  };
  const Row rows[] = {{"abc", "abc"},
                      {"\xff", "\uFFFD"},
                      {"a\x80z", "a\uFFFDz"},
                      {"\xe2\x82", "\uFFFD"},
                      {"\xe2\x82\xe2\x82\xac", "\uFFFD\u20ac"},
                      {"\xf0\x9f\x98z", "\uFFFDz"},
                      {"\xc0\xaf", "\uFFFD\uFFFD"},            // overlong
                      {"\xe0\x80\xaf", "\uFFFD\uFFFD\uFFFD"},  // overlong
                      {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},  // a surrogate
                      {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
                      {"\xf5\x80", "\uFFFD\uFFFD"}};
  for (const Row& row : rows) EXPECT_EQ(repaired_utf8({row.bytes, {}}).text, row.text) << row.text;
}

TEST(Utf8Repair, finds_the_first_byte_that_is_not_utf8) {
  EXPECT_EQ(first_invalid_utf8(""), 0u);
  EXPECT_EQ(first_invalid_utf8("0123456789\u00e9\u20ac\U0001f600"), 19u);
  EXPECT_EQ(first_invalid_utf8("0123456789\xe9 abcdefgh"), 10u);
  EXPECT_EQ(first_invalid_utf8("01234567\u00e9\xf0\x9f\x98"), 10u);
}

TEST(Utf8Repair, knows_how_many_bytes_at_the_end_wait_for_more) {
  struct Row {
    std::string_view text;
    size_t bytes;
  };
  const Row rows[] = {
      {"", 0},         {"a", 0},        {"\u00e9", 0}, {"\xc3", 1},     {"a\xe2\x82", 2},   {"\xf0\x9f\x98", 3},
      {"\xe0\x80", 0}, {"\xed\xa0", 0}, {"\xff", 0},   {"\xf4\x90", 0}, {"\x80\x80\x80", 0}};
  for (const Row& row : rows) EXPECT_EQ(unfinished_utf8_bytes(row.text), row.bytes) << row.text;
}

TEST(Utf8Repair, marks_a_replacement_of_which_a_user_wrote_a_byte) {
  const MarkedText marked = repaired({"ab\xe2\x82z", {{1, 2}, {3, 5}}});
  EXPECT_EQ(marked.text, "ab\uFFFDz");
  EXPECT_EQ(marked.user, (Ranges{{1, 6}}));
  EXPECT_EQ(repaired({"\xff\xffz", {{1, 2}}}).user, (Ranges{{3, 6}}));
  EXPECT_EQ(repaired({"\xffz", {{1, 2}}}).user, (Ranges{{3, 4}}));
}

TEST(Nfc, composes_and_orders) {
  struct Row {
    std::string_view text;
    std::string_view normal;
  };
  const Row rows[] = {
      {"e\u0301", "\u00e9"},
      {"o\u0302\u0323", "\u1ed9"},
      {"\u212b", "\u00c5"},
      {"\u1100\u1161\u11a8", "\uac01"},
      {"\uac00\u11a8", "\uac01"},
      {"\u0958", "\u0915\u093c"},  // excluded from composition
      {"\u0344", "\u0308\u0301"},
      {"\U0002f800", "\u4e3d"},
      {"\u0301e", "\u0301e"},
      {"x\u0301\u0316y", "x\u0316\u0301y"},
      {"\U00011935\U00011930", "\U00011935\U00011930"},  // joined since Unicode 13, unknown to the wheel
      {"plain", "plain"}};
  for (const Row& row : rows) EXPECT_EQ(to_nfc({row.text, {}}).text, row.normal) << row.text;
}

TEST(Nfc, knows_text_in_which_nothing_can_change) {
  EXPECT_TRUE(is_nfc_inert("ASCII, \u00e9, \u4e2d\u6587, \uac01, \U0001f600"));
  EXPECT_FALSE(is_nfc_inert("e\u0301"));
  EXPECT_FALSE(is_nfc_inert("\u2126"));
}

TEST(Nfc, marks_a_composed_character_of_which_a_user_wrote_a_part) {
  EXPECT_EQ(nfc({"ae\u0301b", {{2, 4}}}).user, (Ranges{{1, 3}}));
  EXPECT_EQ(nfc({"ae\u0301b", {{1, 2}}}).user, (Ranges{{1, 3}}));
  EXPECT_EQ(nfc({"ae\u0301b", {{0, 1}, {4, 5}}}).user, (Ranges{{0, 1}, {3, 4}}));
  EXPECT_EQ(nfc({"ae\u0301b", {{0, 5}}}).user, (Ranges{{0, 4}}));
}

TEST(Nfc, leaves_marks_as_they_are_where_nothing_changes) {
  EXPECT_EQ(nfc({">\u0301b", {{1, 3}}}).user, (Ranges{{1, 3}}));
}

TEST(Nfc, orders_a_million_marks) {
  std::string text = "e";
  std::string normal = "\u00e9";
  for (int i = 0; i < 500000; ++i) text += "\u0301\u0316";
  for (int i = 0; i < 500000; ++i) normal += "\u0316";
  for (int i = 1; i < 500000; ++i) normal += "\u0301";
  EXPECT_TRUE(to_nfc({text, {}}).text == normal);
}

}  // namespace
}  // namespace moebius::internal
