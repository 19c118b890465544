// Tests how drawn ids become pieces of text: no text is lost, no text comes too early, and tags are recognized.
#include "dialogue/answer_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/testing/expect_error.h"
#include "dialogue/testing/small_text.h"

namespace moebius::internal {
namespace {

using testing::byte_ids;
using Events = std::vector<ReplyEvent>;
using Ids = std::vector<int32_t>;
using Kind = ReplyEvent::Kind;

constexpr int32_t kLetterA = 97;

const Tokenizer& small() {
  static const ModelText text = testing::small_text();
  return text.tokenizer;
}

const Tokenizer& demo() {
  static const ModelText text = testing::demo_text();
  return text.tokenizer;
}

Events fed(AnswerText& answer, const Ids& ids) {
  Events events;
  for (const int32_t id : ids) std::ranges::move(answer.feed(id), std::back_inserter(events));
  return events;
}

Reply folded(const Events& events) {
  Reply reply;
  fold(reply, events);
  return reply;
}

Reply reply_of(AnswerText answer, const Ids& ids) {
  Events events = fed(answer, ids);
  std::ranges::move(answer.finish(AnswerEnd::kStop), std::back_inserter(events));
  return folded(events);
}

TEST(AnswerText, a_stop_string_ends_the_answer_and_is_not_its_text) {
  for (const bool is_chat : {false, true}) {
    AnswerText answer(small(), is_chat ? std::optional(ReplyFormat{}) : std::nullopt, {"b", "aaa"});
    EXPECT_EQ(fed(answer, {'x', kLetterA, kLetterA}), (Events{{Kind::kContent, -1, "x", ""}})) << is_chat;
    EXPECT_FALSE(answer.stopped());
    EXPECT_EQ(fed(answer, {kLetterA}), Events{}) << is_chat;
    EXPECT_TRUE(answer.stopped());
    EXPECT_EQ(answer.finish(AnswerEnd::kStop), Events{}) << is_chat;
  }
}

TEST(AnswerText, what_might_have_become_a_stop_string_comes_at_the_end) {
  AnswerText answer(small(), std::nullopt, {"aaaaX"});
  const Ids ids(6, kLetterA);
  Events events = fed(answer, ids);
  EXPECT_EQ(folded(events).content, "aa");
  std::ranges::move(answer.finish(AnswerEnd::kStop), std::back_inserter(events));
  EXPECT_EQ(folded(events).content, "aaaaaa");
}

TEST(AnswerText, a_half_character_waits_for_its_rest_and_is_replaced_at_the_end) {
  AnswerText answer(small(), std::nullopt, {});
  EXPECT_EQ(fed(answer, {0xC3}), Events{});
  EXPECT_EQ(fed(answer, {0xA9, 0xC3}), (Events{{Kind::kContent, -1, "é", ""}}));
  EXPECT_EQ(answer.finish(AnswerEnd::kStop), (Events{{Kind::kContent, -1, "\uFFFD", ""}}));
}

TEST(AnswerText, a_stop_string_may_end_with_a_replaced_character) {
  AnswerText answer(small(), std::nullopt, {"a\uFFFD"});
  EXPECT_EQ(fed(answer, {kLetterA, 0xC3}), Events{});
  EXPECT_EQ(answer.finish(AnswerEnd::kStop), Events{});
  EXPECT_TRUE(answer.stopped());
}

TEST(AnswerText, answers_to_text_keep_their_tags) {
  const Ids ids = demo().encode("<think>so</think>yes<tool_call>");
  EXPECT_EQ(reply_of(AnswerText(demo(), std::nullopt, {}), ids).content, "<think>so</think>yes<tool_call>");
}

TEST(AnswerText, a_chats_reply_is_told_apart) {
  ReplyFormat format;
  format.starts_in_reasoning = true;
  format.may_call = true;
  format.tools = {{"add", nullptr}};
  format.id_prefix = "call_7_";
  const std::string call = "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>";
  const Reply reply = reply_of(AnswerText(demo(), format, {}), demo().encode("hm\n</think>\n\nwait" + call));
  EXPECT_EQ(reply.reasoning, "hm");
  EXPECT_EQ(reply.content, "wait");
  EXPECT_EQ(reply.tool_calls, (std::vector<ToolCall>{{"call_7_0", "add", R"({"a": "1"})"}}));
}

// In a value that was never closed, </tool_call> ends the call when it is one token. When the model spelled it with
// several tokens, it is text.
TEST(AnswerText, a_tag_that_is_one_token_is_one_for_certain) {
  ReplyFormat format;
  format.may_call = true;
  const auto arguments = [&](const Ids& tag) {
    Ids ids = demo().encode("<tool_call>\n<function=f>\n<parameter=p>\nx");
    ids.insert(ids.end(), tag.begin(), tag.end());
    ids.push_back(demo().token_id("y").value_or(-1));
    return reply_of(AnswerText(demo(), format, {}), ids).tool_calls.at(0).arguments;
  };
  EXPECT_EQ(arguments(byte_ids("</tool_call>", demo())), R"({"p": "x</tool_call>y"})");
  EXPECT_EQ(arguments(demo().encode("</tool_call>")), R"({"p": "x"})");
}

TEST(AnswerText, a_call_is_complete_when_the_model_itself_ends_the_answer) {
  ReplyFormat format;
  format.may_call = true;
  const std::string call = "<tool_call>\n<function=f>\n<parameter=p>\nx";
  struct Row {
    AnswerEnd end;
    const char* text_behind;
    bool is_complete;
  };
  const Row rows[] = {
      {AnswerEnd::kStop, "", true},
      {AnswerEnd::kLength, "", false},
      {AnswerEnd::kCancelled, "", false},
      {AnswerEnd::kStop, "STOP", false},  // a stop string
      {AnswerEnd::kLength, "\n</parameter>\n</function>", true},
  };
  for (const Row& row : rows) {
    AnswerText answer(demo(), format, {"STOP"});
    Events events = fed(answer, byte_ids(call + row.text_behind, demo()));
    ASSERT_FALSE(events.empty());
    EXPECT_NE(events.back().kind, Kind::kCallFinished);
    std::ranges::move(answer.finish(row.end), std::back_inserter(events));
    const std::vector<ToolCall> expected = {{"call_0", "f", R"({"p": "x"})", row.is_complete}};
    EXPECT_EQ(folded(events).tool_calls, expected) << name(row.end) << row.text_behind;
  }
}

TEST(AnswerText, bad_stop_strings_are_refused) {
  for (const std::vector<std::string>& stop :
       {std::vector<std::string>{""}, std::vector<std::string>{"\xFF"}, std::vector<std::string>(17, "x")}) {
    testing::expect_error(ErrorCode::kUsage, "stop string", [&] { AnswerText(small(), std::nullopt, stop); });
  }
}

RC_GTEST_PROP(AnswerTextProperty, pieces_together_are_the_decode_of_the_ids, ()) {
  const auto ids = *rc::gen::container<Ids>(rc::gen::inRange(0, demo().vocab_size()));
  StreamDecoder decoder(demo());
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  text += decoder.finish();
  const Reply reply = reply_of(AnswerText(demo(), std::nullopt, {}), ids);
  RC_ASSERT(reply.content == text);
  RC_ASSERT(reply_of(AnswerText(demo(), std::nullopt, {"\x01 never \x02"}), ids) == reply);
}

RC_GTEST_PROP(AnswerTextProperty, the_text_up_to_a_stop_string_is_the_answer, ()) {
  const auto ids = *rc::gen::container<Ids>(rc::gen::elementOf(std::vector<int32_t>{'a', 'b', 'c', 256, 257, 258}));
  const std::string text = small().decode(ids);
  AnswerText answer(small(), std::nullopt, {"cab"});
  Events events = fed(answer, ids);
  std::ranges::move(answer.finish(AnswerEnd::kStop), std::back_inserter(events));
  RC_ASSERT(folded(events).content == text.substr(0, text.find("cab")));
  RC_ASSERT(answer.stopped() == (text.find("cab") != std::string::npos));
}

}  // namespace
}  // namespace moebius::internal
