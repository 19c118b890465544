// Tests which prompts requests become, which requests are refused, and where the boundaries of a prompt are.
#include "dialogue/prompt.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/testing/expect_error.h"
#include "dialogue/testing/small_text.h"

namespace moebius::internal {
namespace {

using testing::byte_ids;
using Ids = std::vector<int32_t>;
using Positions = std::vector<int64_t>;

Request chat(const std::vector<Json>& messages, const Json& options = Json::object()) {
  Request request;
  request.chat = Chat::from_json(Json{{"messages", messages}, {"template_options", options}}.dump());
  return request;
}

Json user(const std::string& content) { return {{"role", "user"}, {"content", content}}; }
Json assistant(const std::string& content) { return {{"role", "assistant"}, {"content", content}}; }

class PromptTest : public ::testing::Test {
 protected:
  Prompt make(const Request& request, const ModelText& text) {
    return make_prompt(request, &text, stop_ids({}, text), transcripts_);
  }
  Prompt make(const Request& request) { return make(request, small_); }
  Prompt make_without_text(const Request& request) { return make_prompt(request, nullptr, Ids{7}, transcripts_); }
  [[nodiscard]] int64_t length(const std::string& text) const {
    return static_cast<int64_t>(small_.tokenizer.encode(text).size());
  }

  ModelText small_ = testing::small_text();
  ModelText demo_ = testing::demo_text();
  Transcripts transcripts_;
};

TEST_F(PromptTest, exactly_one_of_chat_text_and_tokens_is_answered) {
  Request none;
  Request two;
  two.text = "a";
  two.tokens = {1};
  Request three = two;
  three.chat = Chat();
  testing::expect_error(ErrorCode::kUsage, "0 of chat, text and tokens", [&] { make(none); });
  testing::expect_error(ErrorCode::kUsage, "2 of chat, text and tokens", [&] { make(two); });
  testing::expect_error(ErrorCode::kUsage, "3 of chat, text and tokens", [&] { make(three); });
}

TEST_F(PromptTest, stop_strings_need_text) {
  Request request;
  request.tokens = {1};
  request.stop = {"x"};
  testing::expect_error(ErrorCode::kUsage, "stop strings need text", [&] { make(request); });
}

TEST_F(PromptTest, text_needs_a_tokenizer) {
  Request request;
  request.text = "a";
  testing::expect_error(ErrorCode::kMissingInput, "no tokenizer.json", [&] { make_without_text(request); });
  testing::expect_error(ErrorCode::kMissingInput, "no tokenizer.json", [&] { make_without_text(chat({user("a")})); });
}

TEST_F(PromptTest, a_chat_needs_a_template) {
  const ModelText plain = testing::small_text("");
  testing::expect_error(ErrorCode::kMissingInput, "no chat template", [&] { make(chat({user("a")}), plain); });
}

TEST_F(PromptTest, a_chat_that_renders_to_nothing_is_refused) {
  const ModelText silent = testing::small_text("{{ '' }}");
  testing::expect_error(ErrorCode::kBadConversation, "is nothing", [&] { make(chat({user("a")}), silent); });
}

TEST_F(PromptTest, tokens_are_taken_as_they_are) {
  Request request;
  request.tokens = {1, 7, 2, 7};
  const Prompt prompt = make_without_text(request);
  EXPECT_EQ(prompt.ids, request.tokens);
  EXPECT_FALSE(prompt.has_text);
  EXPECT_FALSE(prompt.reply);
  EXPECT_EQ(prompt.boundaries, Positions{2});
}

TEST_F(PromptTest, text_is_continued_as_it_stands) {
  Request request;
  request.text = "<|im_start|>user\nabc<|im_end|>\n";
  const Prompt prompt = make(request);
  EXPECT_EQ(prompt.ids, small_.tokenizer.encode(request.text));
  EXPECT_TRUE(prompt.has_text);
  EXPECT_FALSE(prompt.reply);
  EXPECT_EQ(prompt.boundaries, Positions{length(request.text) - 1});
}

TEST_F(PromptTest, a_chat_is_rendered) {
  const Prompt prompt = make(chat({user("abc")}));
  EXPECT_EQ(prompt.rendered.text, "<|im_start|>user\nabc<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompt.rendered.user.size(), 2);  // the two ranges are "user" and "abc"
  EXPECT_EQ(prompt.ids, small_.tokenizer.encode(prompt.rendered));
  EXPECT_TRUE(prompt.has_text);
  EXPECT_TRUE(prompt.reply);
}

TEST_F(PromptTest, no_tools_are_none) {
  const ModelText asks = testing::small_text("{{ 'none' if tools is none else tools | length }}");
  for (const auto& [tools, expected] : {std::pair{"null", "none"}, {"[]", "none"}, {R"([{"name": "f"}])", "1"}}) {
    Request request;
    request.chat = Chat::from_json(std::string(R"({"messages": [], "tools": )") + tools + "}");
    EXPECT_EQ(make(request, asks).rendered.text, expected) << tools;
  }
}

TEST_F(PromptTest, documents_stand_beside_the_messages_and_are_a_user_s_words) {
  const ModelText shows = testing::small_text("{{ style }}:{% for d in documents or [] %}{{ d.text }}{% endfor %}");
  const Json documents = Json::array({Json{{"text", "abc"}}});
  const Prompt prompt = make(chat({user("a")}, {{"style", "s"}, {"documents", documents}}), shows);
  EXPECT_EQ(prompt.rendered.text, "s:abc");
  EXPECT_EQ(prompt.rendered.user, (std::vector<ByteRange>{{2, 5}}));
  EXPECT_EQ(make(chat({user("a")}, {{"style", "s"}}), shows).rendered.text, "s:");
}

TEST_F(PromptTest, conversations_part_behind_messages_and_where_the_answer_begins) {
  const std::string first = "<|im_start|>user\nabc<|im_end|>";
  const std::string second = first + "\n<|im_start|>assistant\nb<|im_end|>";
  const std::string third = second + "\n<|im_start|>user\nc<|im_end|>";
  const Prompt prompt = make(chat({user("abc"), assistant("b"), user("c")}, {{"enable_thinking", true}}));
  EXPECT_EQ(prompt.boundaries, (Positions{length(first), length(second), length(third), length(third + "\n")}));
  EXPECT_TRUE(prompt.rendered.text.ends_with("assistant\n<think>\n"));
}

TEST_F(PromptTest, a_template_without_words_for_the_answer_has_no_boundary_at_the_end) {
  const ModelText bare = testing::small_text("{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}");
  EXPECT_EQ(make(chat({user("a"), user("b")}), bare).boundaries, Positions{2});
}

// Returns a template that renders messages like kChatTemplate, but opens the answer with `opening`.
std::string template_with(const std::string& opening) {
  return "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}" +
         opening;
}

TEST_F(PromptTest, a_chat_is_rendered_once) {
  const ModelText strict = testing::small_text(
      template_with("{{- '<|im_start|>assistant\\n' if add_generation_prompt else raise_exception('again') }}"));
  const Request request = chat({user("abc"), assistant("b"), user("c")});
  EXPECT_EQ(make(request, strict).ids, make(request).ids);
  EXPECT_EQ(make(request, strict).boundaries, make(request).boundaries);
}

TEST_F(PromptTest, a_template_may_ask_about_the_answer_before_it_writes_the_messages) {
  const ModelText early =
      testing::small_text("{%- set opens = add_generation_prompt %}" +
                          template_with("{%- if opens %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"));
  const Request request = chat({user("abc"), assistant("b"), user("c")});
  EXPECT_EQ(make(request, early).ids, make(request).ids);
  EXPECT_EQ(make(request, early).boundaries, make(request).boundaries);
}

TEST_F(PromptTest, a_token_of_message_and_opening_is_behind_the_boundary) {
  const ModelText merging = testing::small_text(
      "{%- for m in messages %}{{- m.content }}{%- endfor %}{%- if add_generation_prompt %}{{- 'c' }}{%- endif %}");
  const Prompt prompt = make(chat({user("xab")}), merging);
  EXPECT_EQ(prompt.ids, small_.tokenizer.encode("xabc"));
  EXPECT_EQ(prompt.ids.size(),
            2);  // the tokens are "x" and "abc"; only "ab" of the second token belongs to the message
  EXPECT_EQ(prompt.boundaries, Positions{1});
}

TEST_F(PromptTest, what_a_user_writes_is_no_control_token) {
  const Prompt plain = make(chat({user(std::string(10, 'x'))}));
  const Prompt typed = make(chat({user("<|im_end|>")}));
  EXPECT_EQ(typed.ids.size() + 1,
            plain.ids.size());  // "<|im_end|>" typed by a user has ten bytes, and "<|" is one token
  EXPECT_EQ(typed.boundaries.size(), plain.boundaries.size());
}

TEST_F(PromptTest, an_open_think_block_of_the_prompt_makes_the_answer_thinking) {
  for (const ModelText* text : {&small_, &demo_}) {
    const auto starts_in_reasoning = [&](const Request& request) {
      return make(request, *text).reply.value_or(ReplyFormat{}).starts_in_reasoning;
    };
    EXPECT_TRUE(starts_in_reasoning(chat({user("a")}, {{"enable_thinking", true}})));
    EXPECT_TRUE(starts_in_reasoning(chat({user("what is </think>?")}, {{"enable_thinking", true}})));
    EXPECT_FALSE(starts_in_reasoning(chat({user("a")}, {{"enable_thinking", false}})));
    EXPECT_FALSE(starts_in_reasoning(chat({user("what is <think>?")})));
  }
}

TEST_F(PromptTest, calls_are_read_as_the_template_writes_them_and_only_with_tools) {
  Request request = chat({user("a")});
  EXPECT_EQ(make(request, demo_).reply.value_or(ReplyFormat{}).tool_format, ToolFormat::kNone);
  request.chat = Chat::from_json(R"({"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "add"}]})");
  const Prompt prompt = make(request, demo_);
  const ReplyFormat format = prompt.reply.value_or(ReplyFormat{});
  EXPECT_EQ(format.tool_format, ToolFormat::kQwenXml);
  ASSERT_EQ(format.tools.size(), 1);
  EXPECT_EQ(format.tools[0].name, "add");
  EXPECT_EQ(format.id_prefix, "call_" + std::to_string(prompt.ids.size()) + "_");
}

bool begins_with(const Ids& ids, const Ids& prefix) {
  return ids.size() >= prefix.size() && std::ranges::equal(std::span(ids).first(prefix.size()), prefix);
}

Ids joined(Ids ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
  return ids;
}

TEST_F(PromptTest, the_next_turn_goes_on_from_the_ids_of_the_answer) {
  const Prompt first = make(chat({user("abc")}));
  const Ids reply = byte_ids("abcabc", small_.tokenizer);
  transcripts_.add(first.rendered, first.ids, reply, small_.tokenizer);
  const Ids said = joined(first.ids, reply);
  const Prompt next = make(chat({user("abc"), assistant("abcabc"), user("and?")}));
  EXPECT_TRUE(begins_with(next.ids, said));
  EXPECT_EQ(small_.tokenizer.decode(next.ids), next.rendered.text);
  // A boundary is behind the <|im_end|> of the answer, and the last boundary is where the next answer opens. Both
  // renderings must have used the transcript.
  const auto size = static_cast<int64_t>(next.ids.size());
  EXPECT_EQ(next.boundaries.size(), 4);
  EXPECT_EQ(next.boundaries.at(1), static_cast<int64_t>(said.size()) + 1);
  EXPECT_EQ(next.boundaries.back(), size - length("<|im_start|>assistant\n"));
}

// A template in Qwen's style keeps the thinking of all answers to the last question, also across calls of tools.
TEST_F(PromptTest, a_call_of_a_tool_keeps_the_ids_of_its_thinking) {
  const Json think = {{"enable_thinking", true}};
  const Prompt first = make(chat({user("abc")}, think), demo_);
  const Ids close = {demo_.tokenizer.token_id("</think>").value_or(-1)};
  Ids reply = joined(byte_ids("so it is\n", demo_.tokenizer), close);
  reply = joined(reply, byte_ids("\n\nwait", demo_.tokenizer));
  transcripts_.add(first.rendered, first.ids, reply, demo_.tokenizer);
  Json answer = assistant("wait");
  answer["reasoning_content"] = "so it is";
  const Json result = {{"role", "tool"}, {"content", "1"}};
  EXPECT_TRUE(begins_with(make(chat({user("abc"), answer, result}, think), demo_).ids, joined(first.ids, reply)));
  // With the next question, earlier turns lose their thinking, so the ids of the answer cannot be reused.
  const Prompt next = make(chat({user("abc"), answer, user("and?")}, think), demo_);
  EXPECT_EQ(next.ids, demo_.tokenizer.encode(next.rendered));
}

}  // namespace
}  // namespace moebius::internal
