// A conversation becomes the chat of a request, and comes back with the replies that it got.
#include "dialogue/conversation.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

const Reply kCalls = {.reasoning = "Look it up.",
                      .content = "A moment.",
                      .tool_calls = {{.id = "call_7_0", .name = "weather", .arguments = R"({"city": "Graz"})"}}};

TEST(Conversation, becomes_the_chat_of_a_request) {
  Conversation conversation;
  conversation.add("system", "Be brief.");
  conversation.add("user", "Hi");
  conversation.tools = {{{"name", "weather"}}};
  conversation.template_options["enable_thinking"] = false;
  EXPECT_EQ(Json::parse(conversation.chat_json()), Json::parse(R"({
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "tools": [{"name": "weather"}], "template_options": {"enable_thinking": false}})"));
}

TEST(Conversation, of_nothing_has_all_parts_all_the_same) {
  EXPECT_EQ(Json::parse(Conversation().chat_json()),
            Json::parse(R"({"messages": [], "tools": [], "template_options": {}})"));
}

TEST(Conversation, keeps_thinking_and_calls_of_a_reply_apart_from_its_words) {
  Conversation conversation;
  conversation.add(kCalls);
  EXPECT_EQ(conversation.messages, Json::parse(R"([{
    "role": "assistant", "content": "A moment.", "reasoning_content": "Look it up.",
    "tool_calls": [{"id": "call_7_0", "type": "function",
                    "function": {"name": "weather", "arguments": "{\"city\": \"Graz\"}"}}]}])"));
}

TEST(Conversation, leaves_out_what_a_reply_does_not_have) {
  Conversation conversation;
  conversation.add(Reply{.reasoning = "", .content = "Yes.", .tool_calls = {}});
  EXPECT_EQ(conversation.messages, Json::parse(R"([{"role": "assistant", "content": "Yes."}])"));
}

TEST(Conversation, replaces_what_is_no_utf8) {
  Conversation conversation;
  conversation.add("user", "a\xFFz");
  EXPECT_EQ(Json::parse(conversation.chat_json())["messages"][0]["content"], "a\uFFFDz");
}

}  // namespace
}  // namespace moebius::internal
