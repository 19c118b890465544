// Tests chats made from types and chats made from JSON. Both give the same result. JSON that is no chat is refused, and
// the error names the place.
#include "moebius/chat.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"
#include "dialogue/chat_json.h"
#include "reply/reply_parser.h"
#include "template/chat_template.h"

namespace moebius::internal {
namespace {

const Reply kCalls = {.reasoning = "Look it up.",
                      .content = "A moment.",
                      .tool_calls = {{.id = "call_7_0", .name = "weather", .arguments = R"({"city": "Graz"})"}}};

TEST(Chat, of_types_is_the_chat_of_its_json) {
  Chat chat;
  chat.messages = {Message::system("Be brief."), Message::user("How is Graz?"), Message::assistant(kCalls),
                   Message::tool_result(kCalls.tool_calls[0], "sunny")};
  chat.tools = {Tool("weather", "The weather of a city", R"({"type": "object"})")};
  chat.thinking = false;
  const Json expected = Json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": "How is Graz?"},
      {"role": "assistant", "content": "A moment.", "reasoning_content": "Look it up.",
       "tool_calls": [{"id": "call_7_0", "type": "function",
                       "function": {"name": "weather", "arguments": "{\"city\": \"Graz\"}"}}]},
      {"role": "tool", "tool_call_id": "call_7_0", "name": "weather", "content": "sunny"}],
    "tools": [{"type": "function", "function": {
      "name": "weather", "description": "The weather of a city", "parameters": {"type": "object"}}}],
    "template_options": {"enable_thinking": false}})");
  EXPECT_EQ(Json::parse(chat.to_json()), expected);
  const Chat read = Chat::from_json(chat.to_json());
  EXPECT_EQ(read.messages, chat.messages);
  EXPECT_EQ(read.tools, chat.tools);
  EXPECT_EQ(read.to_json(), chat.to_json());
}

TEST(Chat, of_a_call_that_was_cut_off_says_so) {
  Reply reply = kCalls;
  reply.tool_calls[0].is_complete = false;
  EXPECT_EQ(tool_calls_json(reply)[0]["is_complete"], false);
  EXPECT_FALSE(tool_calls_json(kCalls)[0].contains("is_complete"));
}

TEST(Chat, keeps_the_digits_of_a_call_from_the_reply_to_the_next_prompt) {
  const char* const replies[] = {
      "<tool_call>\n<function=f>\n<parameter=n>\n123456789012345678901234567890\n</parameter>\n</function>\n</"
      "tool_call>",
      "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"n\": 123456789012345678901234567890}}\n</tool_call>"};
  const auto tools =
      tool_schemas(Json::parse(R"([{"name": "f", "parameters": {"properties": {"n": {"type": "int"}}}}])"));
  const auto chat_template = ChatTemplate::parse("{{ messages[0].tool_calls[0].function.arguments|tojson }}", "test");
  for (const char* text : replies) {
    Chat chat;
    chat.messages = {Message::assistant(parse_reply({.may_call = true, .tools = tools}, text))};
    const Chat saved = Chat::from_json(chat.to_json());
    EXPECT_EQ(chat_template.render({.messages = chat_json(saved)["messages"]}).text.text,
              R"({"n": 123456789012345678901234567890})");
  }
}

TEST(Chat, keeps_every_member_and_its_order) {
  const std::string json =
      R"({"messages":[{"role":"user","name":"Ada","content":[{"type":"text","text":"Hi"}],"x":{"z":1,"a":2.50}}],)"
      R"("tools":[{"function":{"strict":true,"name":"f"},"type":"function"}],"template_options":{"b":1,"a":[]}})";
  const Chat chat = Chat::from_json(json);
  EXPECT_EQ(chat.messages.at(0).role(), "user");
  EXPECT_EQ(chat.to_json(), to_text(Json::parse(json)));
}

TEST(Chat, without_tools_and_options_has_neither) {
  for (const char* json :
       {R"({"messages": []})", R"({"messages": [], "tools": null})", R"({"messages": [], "tools": []})"}) {
    const Chat chat = Chat::from_json(json);
    EXPECT_TRUE(chat.tools.empty()) << json;
    EXPECT_EQ(Json::parse(chat.to_json()), Json::parse(R"({"messages": [], "tools": [], "template_options": {}})"));
  }
}

TEST(Chat, the_choice_of_thinking_is_stronger_than_the_template_options) {
  Chat chat = Chat::from_json(R"({"messages": [], "template_options": {"enable_thinking": true, "style": "terse"}})");
  chat.thinking = false;
  EXPECT_EQ(chat_json(chat)["template_options"], Json::parse(R"({"enable_thinking": false, "style": "terse"})"));
}

TEST(Chat, leaves_out_what_a_reply_does_not_have) {
  const Message message = Message::assistant({.reasoning = "", .content = "Yes.", .tool_calls = {}});
  EXPECT_EQ(message.json(), R"({"role":"assistant","content":"Yes."})");
}

TEST(Chat, replaces_bytes_that_are_not_utf8) {
  EXPECT_EQ(Json::parse(Message::user("a\xFFz").json())["content"], "a\uFFFDz");
}

TEST(Chat, messages_and_tools_can_be_made_from_json_alone) {
  EXPECT_EQ(Message::from_json(R"({"role": "user", "content": "Hi"})"), Message::user("Hi"));
  EXPECT_EQ(Tool::from_json(R"({"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}})"),
            Tool("f", "d", "{}"));
}

TEST(Chat, what_is_none_is_refused_by_name) {
  struct Case {
    std::string json;
    ErrorCode code;
    const char* message;
  };
  const Case cases[] = {
      {"{", ErrorCode::kInvalidJson, "chat"},
      {std::string(100, '[') + std::string(100, ']'), ErrorCode::kJsonDepth, "chat"},
      {R"({"messages": [], "messages": []})", ErrorCode::kDuplicateKey, "messages"},
      {R"([{"role": "user", "content": "a"}])", ErrorCode::kBadConversation, "is not an object"},
      {"{}", ErrorCode::kBadConversation, "no messages"},
      {R"({"messages": [], "tool": []})", ErrorCode::kBadConversation, "\"tool\""},
      {R"({"messages": "hello"})", ErrorCode::kBadConversation, "messages is not a list"},
      {R"({"messages": ["hello"]})", ErrorCode::kBadConversation, "messages[0]"},
      {R"({"messages": [{"role": "user"}, {"content": "a"}]})", ErrorCode::kBadConversation,
       "messages[1]: has no role"},
      {R"({"messages": [], "tools": {}})", ErrorCode::kBadConversation, "tools is not a list"},
      {R"({"messages": [], "tools": [1]})", ErrorCode::kBadConversation, "tools[0]"},
      {R"({"messages": [], "template_options": [1]})", ErrorCode::kBadConversation, "template_options"},
  };
  for (const Case& bad : cases) testing::expect_error(bad.code, bad.message, [&] { Chat::from_json(bad.json); });
}

TEST(Chat, parts_that_are_none_are_refused) {
  testing::expect_error(ErrorCode::kBadConversation, "message", [] { Message::from_json("[]"); });
  testing::expect_error(ErrorCode::kBadConversation, "no role", [] { Message::from_json("{}"); });
  testing::expect_error(ErrorCode::kBadConversation, "tool", [] { Tool::from_json("7"); });
  testing::expect_error(ErrorCode::kInvalidJson, "parameters", [] { Tool("f", "", ""); });
  testing::expect_error(ErrorCode::kBadConversation, "parameters", [] { Tool("f", "", "[]"); });
  Chat chat;
  chat.template_options = "[]";
  testing::expect_error(ErrorCode::kBadConversation, "template_options", [&] { static_cast<void>(chat.to_json()); });
}

}  // namespace
}  // namespace moebius::internal
