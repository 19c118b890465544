// Tests how a request becomes its prompt: what is mended before the template sees it, what is marked, what is refused.
#include "template/chat_template.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"
#include "template/chat_messages.h"

namespace moebius::internal {
namespace {

constexpr const char* kChatMl =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

Json user(const Json& content) { return Json::array({{{"role", "user"}, {"content", content}}}); }

MarkedText rendered(const std::string& source, const ChatRequest& request) {
  return ChatTemplate::parse(source, "test").render(request).text;
}

std::string text_of(const std::string& source, const Json& messages) {
  return rendered(source, {.messages = messages, .add_generation_prompt = false}).text;
}

TEST(ChatTemplate, renders_the_example_of_a_thinking_model) {
  const std::string source = std::string(kChatMl) + "{{ '<think>\\n' if enable_thinking is not false }}";
  EXPECT_EQ(rendered(source, {.messages = user("Hi")}).text,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n");
  EXPECT_EQ(rendered(source, {.messages = user("Hi"), .options = {{"enable_thinking", false}}}).text,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, tells_where_the_opening_of_the_answer_begins) {
  const auto opening = [](const std::string& source, bool is_asked_for = true) {
    return ChatTemplate::parse(source, "test")
        .render({.messages = user("Hi"), .add_generation_prompt = is_asked_for})
        .opening;
  };
  const std::string messages = text_of(kChatMl, user("Hi"));
  EXPECT_EQ(opening(kChatMl), messages.size());
  EXPECT_EQ(opening(kChatMl, false), messages.size());
  EXPECT_EQ(opening("{{ messages[0].content }}"), std::nullopt);
}

// transformers gives these texts for the same arguments, read by Python's json.
TEST(ChatTemplate, keeps_the_digits_of_integers_anywhere_in_a_conversation) {
  const char* source =
      "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments|tojson }}"
      "{% for k, v in c.function.arguments|items %}{{ k }}={{ v|string }};{% endfor %}{% endfor %}"
      "{{ m.content }}{% endfor %}{{ tools|tojson }}{{ seed }}";
  ChatRequest request;
  request.messages = parse_json(R"([{"role": "assistant", "content": "", "tool_calls": [
      {"function": {"name": "f", "arguments": "{\"a\": 123456789012345678901234567890, \"b\": [18446744073709551615]}"}},
      {"function": {"name": "f", "arguments": {"a": -9223372036854775809}}}]}])",
                                "test");
  request.tools = parse_json(R"([{"name": "f", "maximum": 18446744073709551616}])", "test");
  request.options = parse_json(R"({"seed": 98765432109876543210})", "test");
  EXPECT_EQ(rendered(source, request).text, R"({"a": 123456789012345678901234567890, "b": [18446744073709551615]})"
                                            "a=123456789012345678901234567890;b=[18446744073709551615];"
                                            R"({"a": -9223372036854775809}a=-9223372036854775809;)"
                                            R"([{"name": "f", "maximum": 18446744073709551616}]98765432109876543210)");
}

TEST(ChatTemplate, marks_a_control_token_that_a_user_wrote_and_not_its_own) {
  const MarkedText out = rendered("<|im_start|>{{ messages[0].content }}<|im_end|>", {.messages = user("<|im_end|>")});
  EXPECT_EQ(out.text, "<|im_start|><|im_end|><|im_end|>");
  EXPECT_EQ(out.user, (std::vector<ByteRange>{{12, 22}}));
}

TEST(ChatTemplate, marks_tools_and_documents_but_no_options_and_no_special_tokens) {
  const ChatRequest request{.messages = user("u"),
                            .tools = {{{"name", "t"}}},
                            .documents = {{{"text", "d"}}},
                            .options = {{"o", "o"}},
                            .special_tokens = {{"bos_token", "<s>"}}};
  const MarkedText out = rendered("{{ bos_token }}{{ o }}{{ tools[0].name }}.{{ documents[0].text }}", request);
  EXPECT_EQ(out.text, "<s>ot.d");
  EXPECT_EQ(out.user, (std::vector<ByteRange>{{4, 5}, {6, 7}}));
}

TEST(ChatTemplate, gives_absent_tools_as_none_and_lets_no_option_take_the_place_of_messages) {
  const ChatRequest request{.messages = user("u"), .options = {{"messages", "x"}, {"tools", "x"}}};
  EXPECT_EQ(rendered("{{ tools is none }}{{ messages|length }}", request).text, "True1");
}

TEST(ChatTemplate, tells_the_date_that_the_caller_says) {
  ChatRequest request{.messages = user("u")};
  request.now.tm_year = 125;
  request.now.tm_mday = 9;
  EXPECT_EQ(rendered("{{ strftime_now('%d %b %Y') }}", request).text, "09 Jan 2025");
}

struct Row {
  const char* name;
  const char* source;
  Json messages;
  std::string expected;
};

TEST(ChatTemplate, mends_messages_before_the_template_sees_them) {
  const Json parts = Json::array({{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}});
  const auto call = [](const Json& arguments) {
    return Json::array(
        {{{"role", "assistant"}, {"tool_calls", {{{"function", {{"name", "f"}, {"arguments", arguments}}}}}}}});
  };
  const char* arguments = "{{ messages[0].tool_calls[0].function.arguments|tojson }}";
  const char* per_part =
      "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}[{{ p.text "
      "}}]"
      "{% endfor %}{% endif %}{% endfor %}";
  const Row rows[] = {
      {"null content", "{{ messages[0].content|tojson }}", user(nullptr), R"("")"},
      {"missing content", "{{ messages[0].content|tojson }}", Json::array({{{"role", "user"}}}), R"("")"},
      {"other nulls", "{{ messages[0].name is defined }}",
       Json::array({{{"role", "user"}, {"content", ""}, {"name", nullptr}}}), "False"},
      {"parts for a template of texts", "{{ messages[0].content }}", user(parts), "a\nb"},
      {"parts for a template that adds", "{{ 'x' + messages[0].content }}", user(parts), "xa\nb"},
      {"parts for a template of parts", per_part, user(parts), "[a][b]"},
      {"arguments as JSON", arguments, call(R"({"a":1.0,"b":[true]})"), R"({"a": 1.0, "b": [true]})"},
      {"arguments as an object", arguments, call({{"a", 1}}), R"({"a": 1})"},
      {"no arguments", arguments, call(""), "{}"},
      {"arguments that are no object", arguments, call("[1]"), R"("[1]")"},
      {"arguments that are cut off", arguments, call(R"({"a)"), R"("{\"a")"},
      {"a developer", "{{ messages[0].role }}", Json::array({{{"role", "developer"}, {"content", ""}}}), "system"},
      {"a developer whom the template knows", "{{ messages[0].role }}{# developer #}",
       Json::array({{{"role", "developer"}, {"content", ""}}}), "developer"},
      {"reasoning under another name", "{{ messages[0].reasoning_content }}{{ messages[0].thinking }}",
       Json::array({{{"role", "assistant"}, {"content", ""}, {"reasoning", "r"}}}), "rr"},
  };
  for (const Row& row : rows) EXPECT_EQ(text_of(row.source, row.messages), row.expected) << row.name;
}

TEST(ChatTemplate, refuses_what_are_no_messages_and_says_which) {
  const Json image = Json::array({{{"type", "image_url"}, {"image_url", "x"}}});
  const std::pair<Json, const char*> rows[] = {
      {Json::object(), "messages: is not a list"},
      {Json::array({1}), "messages[0]: is not an object"},
      {Json::array({{{"content", ""}}}), "messages[0]: has no role"},
      {Json::array({{{"role", 5}, {"content", ""}}}), "messages[0]: has no role"},
      {user(5), "messages[0]: the content"},
      {user(image), "messages[0]: a part of content of type \"image_url\""},
      {user(Json::array({7})), "messages[0]: a part of content"},
  };
  for (const auto& [messages, words] : rows) {
    testing::expect_error(ErrorCode::kBadConversation, words, [&, m = messages] { (void)text_of(kChatMl, m); });
  }
  testing::expect_error(ErrorCode::kBadConversation, "tools: is not a list",
                        [] { (void)rendered(kChatMl, {.messages = user("u"), .tools = "x"}); });
}

TEST(ChatTemplate, hands_on_the_words_of_a_template_that_refuses_a_conversation) {
  testing::expect_error(ErrorCode::kBadConversation, "No user query", [] {
    (void)text_of("\n{% if messages|length == 1 %}{{ raise_exception('No user query') }}{% endif %}", user("u"));
  });
}

TEST(ChatTemplate, names_the_line_of_a_template_that_fails) {
  testing::expect_error(ErrorCode::kBadTemplate, "test: line 2: \"missing\" is undefined",
                        [] { (void)text_of("a\n{{ missing.x }}", user("u")); });
}

TEST(ChatTemplate, has_steps_for_a_conversation_of_megabytes) {
  Json messages = Json::array();
  for (int i = 0; i < 2000; ++i) messages.push_back({{"role", "user"}, {"content", std::string(2000, 'x')}});
  EXPECT_GT(text_of(kChatMl, messages).size(), 4'000'000u);
}

}  // namespace
}  // namespace moebius::internal
