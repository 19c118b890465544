// Tests what is a tag in which place, and the repair of UTF-8 in front of the lexer.
#include "reply/tag_lexer.h"

#include <gtest/gtest.h>

#include "base/utf8_repair.h"

namespace moebius::internal {
namespace {

// Shows tags as [spelling:name], and text as it is.
std::string lexed(Tags tags, std::string_view text) {
  TagLexer lexer;
  std::string all;
  const auto add = [&](const Lexeme& lexeme) {
    all += lexeme.tag != Tag::kNone ? "[" + std::string(text_of(lexeme.tag)) + lexeme.name + "]" : lexeme.text;
  };
  while (const auto lexeme = lexer.next(text, tags)) add(*lexeme);
  if (const auto held = lexer.flush()) add(*held);
  return all;
}

TEST(TagLexer, finds_the_tags_of_a_place_and_no_others) {
  const std::string text = "<think></think><tool_call></tool_call><function=f></function><parameter=p></parameter>";
  struct Row {
    Tags tags;
    std::string lexed;
  };
  const Row rows[] = {
      {Tags::kThink, "[<think>][</think>]" + text.substr(15)},
      {Tags::kCall, text.substr(0, 15) + "[<tool_call>][</tool_call>]" + text.substr(38)},
      {Tags::kThink | Tags::kCall, "[<think>][</think>][<tool_call>][</tool_call>]" + text.substr(38)},
      {Tags::kCall | Tags::kFunction,
       "<think></think>[<tool_call>][</tool_call>][<function=f][</function>][<parameter=p]</parameter>"},
      {Tags::kThink | Tags::kCall | Tags::kFunction | Tags::kEnds,
       "[<think>][</think>][<tool_call>][</tool_call>][<function=f][</function>][<parameter=p][</parameter]"},
  };
  for (const Row& row : rows) EXPECT_EQ(lexed(row.tags, text), row.lexed);
}

TEST(TagLexer, knows_malformed_tags_of_a_call) {
  struct Row {
    const char* text;
    const char* lexed;
  };
  const Row rows[] = {
      {"</parameter/>x", "[</parameter]x"},
      {"</parameter1>x", "[</parameter]x"},
      {"</parameterfunction>x", "[</parameter]x"},
      {"</parameter x", "[</parameter] x"},
      {"</parameter<<", "[</parameter]<<"},
      {"</parameter", "[</parameter]"},
      {"</function\n", "[</function>]\n"},
      {"</parameter-1>", "</parameter-1>"},
      {"</parameter1 >", "</parameter1 >"},
      {"</parameter12345678901234567>", "</parameter12345678901234567>"},
      {"</ parameter>", "</ parameter>"},
      {"<parameter=a\nb", "[<parameter=a]\nb"},
      {"<parameter=>", "<parameter=>"},
      {"<parameter=\n>", "<parameter=\n>"},
      {"<parameter=a b>", "<parameter=a b>"},
      {"<parameter=a<b>", "<parameter=a<b>"},
      {"<parameter=a", "<parameter=a"},
  };
  for (const Row& row : rows) EXPECT_EQ(lexed(Tags::kFunction | Tags::kEnds, row.text), row.lexed) << row.text;
}

TEST(TagLexer, takes_a_name_of_256_bytes_and_none_longer) {
  const std::string name(256, 'n');
  EXPECT_EQ(lexed(Tags::kFunction, "<function=" + name + ">"), "[<function=" + name + "]");
  EXPECT_EQ(lexed(Tags::kFunction, "<function=" + name + "n>"), "<function=" + name + "n>");
}

TEST(TagLexer, finds_a_tag_behind_the_beginning_of_one) {
  EXPECT_EQ(lexed(Tags::kThink | Tags::kCall, "<<think><tool_<tool_call>"), "<[<think>]<tool_[<tool_call>]");
}

TEST(TagOfToken, knows_the_four_tags_that_are_tokens) {
  EXPECT_EQ(tag_of_token("<think>"), Tag::kThinkOpen);
  EXPECT_EQ(tag_of_token("</think>"), Tag::kThinkClose);
  EXPECT_EQ(tag_of_token("<tool_call>"), Tag::kCallOpen);
  EXPECT_EQ(tag_of_token("</tool_call>"), Tag::kCallClose);
  for (const char* other : {"", "think", "</tool_call", "</parameter", "<function="}) EXPECT_FALSE(tag_of_token(other));
}

TEST(Utf8Repair, replaces_each_broken_part_once_however_it_is_cut) {
  struct Row {
    const char* bytes;
    const char* text;
  };
  const Row rows[] = {
      {"aé上🙂", "aé上🙂"},
      {"\xff", "�"},
      {"\x80\x80", "��"},
      {"\xc3", "�"},
      {"\xc3x", "�x"},
      {"\xc3\xc3\xa9", "�é"},
      {"\xe2\x82x", "�x"},
      {"\xe0\x80\x80", "���"},       // overlong
      {"\xed\xa0\x80", "���"},       // surrogate
      {"\xf0\x9f\x99", "�"},         // cut off
      {"\xf0\x80\x80\x80", "����"},  // overlong
      {"\xf4\x90\x80\x80", "����"},  // above U+10FFFF
      {"\xf0\x9f\x99\xf0\x9f\x99\x82", "�🙂"},
  };
  for (const Row& row : rows) {
    Utf8Repair whole;
    const std::string once = whole.feed(row.bytes);
    EXPECT_EQ(once + whole.finish(), row.text);
    Utf8Repair bytewise;
    std::string text;
    for (const char* byte = row.bytes; *byte != 0; ++byte) text += bytewise.feed({byte, 1});
    EXPECT_EQ(text + bytewise.finish(), row.text);
  }
}

}  // namespace
}  // namespace moebius::internal
