// Pieces of text: every scanner cuts as PCRE2 cuts by the same pattern. The translation of patterns and the limits are
// tested too. tokenizer_golden_test.cpp compares with the wheel.
#include "tokenizer/splitter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tokenizer/regex_dialect.h"
#include "tokenizer/regex_splitter.h"

namespace moebius::internal {
namespace {

using Pieces = std::vector<std::string>;

Pieces pieces_of(const Splitter& splitter, std::string_view text) {
  struct Collector : PieceSink {
    void piece(std::string_view bytes) override { pieces.emplace_back(bytes); }
    Pieces pieces;
  } collector;
  splitter.split(text, collector);
  return collector.pieces;
}

Pieces regex_pieces(const std::string& pattern, std::string_view text) {
  return pieces_of(*make_regex_splitter(pattern, "pattern"), text);
}

const std::string kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

TEST(Splitter, cuts_as_the_pattern_of_the_family_says) {
  struct Row {
    std::string pattern;
    std::string text;
    Pieces pieces;
  };
  const Row rows[] = {
      {kQwen2, "it's 12  x\n", {"it", "'s", " ", "1", "2", " ", " x", "\n"}},
      {kQwen2, "\u0301!I", {"\u0301!", "I"}},
      {kQwen35, "\u0301!I", {"\u0301", "!I"}},
      {kLlama3, "12345", {"123", "45"}},
      {std::string(kGpt2Pattern), "it'S 12 a\n\n b", {"it", "'", "S", " 12", " a", "\n\n", " b"}},
  };
  for (const Row& row : rows) EXPECT_EQ(pieces_of(*make_splitter(row.pattern, ""), row.text), row.pieces) << row.text;
}

TEST(Splitter, cuts_with_a_scanner_as_with_the_pattern_itself) {
  const std::vector<std::string> atoms = {
      "a",  "S",      "\u00e9", "\u0301", "'",          "'s",         "\u017f",     "re",     " ",
      "  ", "\t",     "\n",     "\r",     "\r\n",       "\f",         "\u00a0",     "\u180e", "1",
      "23", "\u0663", "!",      "\u4e2d", "\U00031350", "\U00010d40", "\U0001f600", "\u0897"};
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,bugprone-random-generator-seed): the same cases every time
  for (const std::string& pattern : {kQwen2, kQwen35, kLlama3, std::string(kGpt2Pattern)}) {
    const auto scanner = make_splitter(pattern, "");
    const auto regex = make_regex_splitter(pattern, "");
    for (int round = 0; round < 20000; ++round) {
      std::string text;
      for (size_t left = 1 + random() % 8; left > 0; --left) text += atoms[random() % atoms.size()];
      ASSERT_EQ(pieces_of(*scanner, text), pieces_of(*regex, text)) << text;
    }
  }
}

TEST(RegexSplitter, hands_on_what_lies_between_matches) {
  EXPECT_EQ(regex_pieces("b+", "abbcb"), (Pieces{"a", "bb", "c", "b"}));
  EXPECT_EQ(regex_pieces("x", "abc"), (Pieces{"abc"}));
  EXPECT_EQ(regex_pieces("x", ""), (Pieces{}));
}

TEST(RegexSplitter, takes_no_mongolian_vowel_separator_for_white_space) {
  EXPECT_EQ(regex_pieces(R"(\s+)", "\u3000\u180e"), (Pieces{"\u3000", "\u180e"}));
  EXPECT_EQ(regex_pieces(R"(\S+)", "\u3000\u180e"), (Pieces{"\u3000", "\u180e"}));
  EXPECT_EQ(regex_pieces(R"([^\s]+)", "a\u180e\u2028"), (Pieces{"a\u180e", "\u2028"}));
}

TEST(RegexSplitter, knows_letters_marks_and_numbers_that_pcre2_does_not) {
  EXPECT_EQ(regex_pieces(R"(\p{L}+)", "a\U00031350!"), (Pieces{"a\U00031350", "!"}));
  EXPECT_EQ(regex_pieces(R"([^\p{L}]+)", "a\U00031350!"), (Pieces{"a\U00031350", "!"}));
  EXPECT_EQ(regex_pieces(R"(\P{L}+)", "a\U00031350!"), (Pieces{"a\U00031350", "!"}));
  EXPECT_EQ(regex_pieces(R"(\p{M}+|\p{N}+)",
                         "\u0897\u0301\U00010d40"
                         "1"),
            (Pieces{"\u0897\u0301",
                    "\U00010d40"
                    "1"}));
}

TEST(RegexSplitter, matches_line_ends_as_oniguruma_does) {
  EXPECT_EQ(regex_pieces("^a|b$", "ab\nab"), (Pieces{"a", "b", "\n", "a", "b"}));
}

// A match that validates the rest of the text again would need hours for this.
TEST(RegexSplitter, is_linear_in_the_number_of_matches) {
  std::string text;
  for (int i = 0; i < 5'000'000; ++i) text += ". ";
  EXPECT_EQ(regex_pieces(R"(\.|\s)", text).size(), text.size());
}

TEST(RegexDialect, passes_what_both_engines_read_alike) {
  for (const char* pattern :
       {"a|b", "(?i:x)(?:y)(?=z)(?!w)(?<=v)(?<!u)(?>t)", "[^\\r\\n\\d]{1,3}+", "\\.\\-\\[\\p{Lu}", "a?+b*+"}) {
    EXPECT_EQ(pattern_for_pcre2(pattern, ""), pattern);
  }
}

}  // namespace
}  // namespace moebius::internal
