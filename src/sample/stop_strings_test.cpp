// Stop strings against a search over the whole text. Tests also what must come out early.
#include "sample/stop_strings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

// Finds the match by trying every string at every end.
std::optional<StopMatch> naive_match(const std::vector<std::string>& strings, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::optional<StopMatch> longest;
    for (size_t i = 0; i < strings.size(); ++i) {
      const size_t length = strings[i].size();
      if (length > end || text.compare(end - length, length, strings[i]) != 0) continue;
      if (!longest || end - length < longest->offset) longest = StopMatch{i, end - length};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

// Counts the bytes at the end of the text that are the beginning of a stop string.
size_t naive_undecided(const std::vector<std::string>& strings, const std::string& text) {
  size_t most = 0;
  for (const std::string& string : strings) {
    for (size_t length = 1; length < string.size() && length <= text.size(); ++length) {
      if (text.compare(text.size() - length, length, string, 0, length) == 0) most = std::max(most, length);
    }
  }
  return most;
}

constexpr StopMatch kNone{SIZE_MAX, UINT64_MAX};

StopMatch match_of(const StopStrings& stop) { return stop.match().value_or(kNone); }

// The text has few letters, so that strings overlap each other and themselves.
std::string text_of_two_letters(std::mt19937& random, size_t longest) {
  std::string text(1 + random() % longest, 'a');
  for (char& letter : text) letter = random() % 2 == 0 ? 'a' : 'b';
  return text;
}

TEST(StopStrings, find_what_a_search_over_the_whole_text_finds_however_it_is_cut) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 20000; ++trial) {
    std::vector<std::string> strings(1 + random() % 4);
    for (std::string& string : strings) string = text_of_two_letters(random, 9);
    const std::string text = text_of_two_letters(random, 80);
    StopStrings stop(strings);
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t length = std::min<size_t>(random() % 9, text.size() - at);
      out += stop.feed(std::string_view(text).substr(at, length));
      at += length;
      if (stop.match()) break;
      ASSERT_EQ(out.size(), at - naive_undecided(strings, text.substr(0, at)));
    }
    out += stop.finish();
    const StopMatch expected = naive_match(strings, text).value_or(kNone);
    ASSERT_EQ(match_of(stop).offset, expected.offset) << text;
    ASSERT_EQ(match_of(stop).index, expected.index) << text;
    ASSERT_EQ(out, text.substr(0, expected.offset));
  }
}

TEST(StopStrings, cut_the_text_where_the_stop_string_begins) {
  struct Row {
    std::vector<std::string> strings;
    std::vector<std::string> pieces;
    std::string out;
    size_t index;
  };
  const Row rows[] = {
      {{"END"}, {"xENDy"}, "x", 0},
      {{"END"}, {"x", "E", "N", "D", "y"}, "x", 0},
      {{"END"}, {"xEN"}, "xEN", kNone.index},
      {{"END"}, {"END"}, "", 0},
      {{"END"}, {"EEND"}, "E", 0},
      {{"\xc3\xa9!"}, {"caf\xc3", "\xa9", "!"}, "caf", 0},
      {{"\xc3\xa9"}, {"\xc3", "\xa8\xc3", "\xa9"}, "\xc3\xa8", 0},
      {{"abcd", "bc"}, {"ab", "cd"}, "a", 1},
      {{"bc", "abc"}, {"xabc"}, "x", 1},
      {{"same", "same"}, {"same"}, "", 0},
      {{}, {"any", "thing"}, "anything", kNone.index},
      {{std::string("\0", 1)}, {std::string("a\0b", 3)}, "a", 0},
  };
  for (const Row& row : rows) {
    StopStrings stop(row.strings);
    std::string out;
    for (const std::string& piece : row.pieces) out += stop.feed(piece);
    out += stop.finish();
    EXPECT_EQ(out, row.out);
    EXPECT_EQ(match_of(stop).index, row.index) << row.out;
  }
}

TEST(StopStrings, hold_nothing_back_that_cannot_become_a_match) {
  StopStrings stop({"\n\nUser:"});
  EXPECT_EQ(stop.feed("one\n"), "one");
  EXPECT_EQ(stop.feed("two\n\nUs"), "\ntwo");
  EXPECT_EQ(stop.feed("ual"), "\n\nUsual");
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopStrings, ignore_what_comes_after_a_match) {
  StopStrings stop({"ab"});
  EXPECT_EQ(stop.feed("1ab2"), "1");
  EXPECT_EQ(stop.feed("3"), "");
  EXPECT_EQ(stop.finish(), "");
  EXPECT_EQ(match_of(stop).offset, 1u);
}

TEST(StopStrings, find_the_longest_string_that_is_allowed) {
  const std::string text = std::string(255, 'a') + "b";
  StopStrings stop(std::vector<std::string>(16, text));
  std::string out;
  for (int i = 0; i < 300; ++i) out += stop.feed("a");
  EXPECT_EQ(out, std::string(45, 'a'));
  EXPECT_EQ(stop.feed("b"), "");
  EXPECT_EQ(match_of(stop).offset, 45u);
}

TEST(StopStrings, refuse_lists_and_strings_beyond_the_limits) {
  struct Row {
    const char* text;
    std::vector<std::string> strings;
  };
  const Row rows[] = {
      {"at most 16, got 17", std::vector<std::string>(17, "a")},
      {"expected 1 to 256 bytes, got 0", {"a", ""}},
      {"expected 1 to 256 bytes, got 257", {std::string(257, 'a')}},
      {"is not UTF-8", {"\xa9"}},
      {"is not UTF-8", {"a\xc3"}},
  };
  for (const Row& row : rows) testing::expect_error(ErrorCode::kUsage, row.text, [&] { StopStrings{row.strings}; });
}

}  // namespace
}  // namespace moebius::internal
