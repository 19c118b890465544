// Tests the model that ships with the project, through the engine: it must give the right answers to text. A random
// checkpoint always answers with noise. This model shows when tokenizer, template, forward pass, sampler and reply
// parser do not fit together. tests/e2e/demo_test.py tests the program, and tools/demo_model/evaluate.py measures how
// often the model is right.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/testing/asking.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal {
namespace {

using testing::Said;
using Ids = std::vector<int32_t>;

Request greedy() {
  Request request;
  request.sampling.temperature = 0;
  return request;
}

Request sampled() {
  Request request;
  request.sampling.temperature = 0.8f;
  request.sampling.seed = 5;
  return request;
}

class DemoModel : public ::testing::Test {
 protected:
  // Adds a message and lets the model answer it greedily until the model ends its turn.
  Reply say(const Message& message) {
    chat_.messages.push_back(message);
    const Said said = testing::answer(engine_, testing::about(chat_, greedy()));
    EXPECT_EQ(said.end, AnswerEnd::kStop);
    chat_.messages.push_back(Message::assistant(said.reply));
    return said.reply;
  }

  Reply ask(const std::string& question) { return say(Message::user(question)); }
  Reply tell_result(const ToolCall& call, const std::string& result) { return say(Message::tool_result(call, result)); }
  Engine& engine() { return engine_; }

  [[nodiscard]] Chat chat_with(const std::string& question) const {
    Chat chat = chat_;
    chat.messages.push_back(Message::user(question));
    return chat;
  }
  void make_it_think() { chat_.thinking = true; }
  void offer_tools() {
    chat_.tools = {
        Tool("get_weather", "Get the weather of a city",
             R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})"),
        Tool("set_timer", "Start a timer",
             R"({"type": "object", "properties": {"minutes": {"type": "integer"}, "label": {"type": "string"}},
                 "required": ["minutes", "label"]})")};
  }

 private:
  static EngineOptions options() {
    EngineOptions options;
    options.packed.use =
        PackedUse::kOff;  // the test must not use a packed file that a run of the program left beside the model
    options.limits.context = 512;
    return options;
  }

  Engine engine_ = Engine::load(MOEBIUS_SOURCE_DIR "/models/demo", options());
  Chat chat_;
};

struct Exchange {
  const char* name;
  const char* question;
  const char* answer;
};

class DemoModelAnswers : public DemoModel, public ::testing::WithParamInterface<Exchange> {};

TEST_P(DemoModelAnswers, rightly) {
  EXPECT_EQ(ask(GetParam().question), (Reply{.reasoning = "", .content = GetParam().answer, .tool_calls = {}}));
}

INSTANTIATE_TEST_SUITE_P(
    Questions, DemoModelAnswers,
    ::testing::Values(
        Exchange{"Sum", "What is 12+9?", "12 + 9 = 21."}, Exchange{"SumInWords", "what's 47 plus 38", "47 + 38 = 85."},
        Exchange{"SumThatCarriesTwice", "Work out 934 + 66.", "934 + 66 = 1000."},
        Exchange{"DifferenceBelowZero", "Can you subtract 529 from 249?", "249 - 529 = -280."},
        Exchange{"Sorting", "Sort tree, drum, letter, cake, sail and bread", "bread, cake, drum, letter, sail, tree"},
        Exchange{"Reversing", "Reverse these words: sail, egg, moon, wolf", "wolf, moon, egg, sail"},
        Exchange{"Counting", "How many words are here: sail, egg, moon, wolf", "There are 4 words."},
        Exchange{"Reading", "Emma has a orange kite.\n\nWhat color is the kite of Emma?",
                 "The kite of Emma is orange."},
        Exchange{
            "Json",
            "Extract name, food, job and age as JSON: Pia likes honey. Pia works as a gardener. Pia is 83 years old.",
            R"({"name": "Pia", "food": "honey", "job": "gardener", "age": 83})"}),
    [](const auto& given) { return given.param.name; });

TEST_F(DemoModel, remembers_what_was_said) {
  ask("My name is Ada.");  // no text of its training ended with such a message, so the answer may be bad
  EXPECT_EQ(ask("What is 12+9?").content, "12 + 9 = 21.");
  EXPECT_EQ(ask("What is my name?").content, "Your name is Ada.");
}

TEST_F(DemoModel, thinks_before_it_answers_when_asked) {
  make_it_think();
  const Reply reply = ask("What is 47+38?");
  EXPECT_EQ(reply.content, "47 + 38 = 85.");
  EXPECT_EQ(reply.reasoning, "7 + 8 = 15, write 5, carry 1. 4 + 3 + 1 = 8. So it is 85.");
}

TEST_F(DemoModel, calls_a_tool_and_tells_its_result) {
  offer_tools();
  const Reply reply = ask("What is the weather in Paris?");
  EXPECT_EQ(reply.content, "");
  ASSERT_EQ(reply.tool_calls.size(), 1U);
  EXPECT_EQ(reply.tool_calls[0].name, "get_weather");
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"city": "Paris"})");
  EXPECT_EQ(tell_result(reply.tool_calls[0], R"({"temperature": 21, "sky": "sunny"})").content,
            "In Paris it is sunny and 21 degrees.");
}

TEST_F(DemoModel, gives_arguments_the_types_of_the_tool) {
  offer_tools();
  const Reply reply = ask("Set a timer for 5 minutes for tea.");
  ASSERT_EQ(reply.tool_calls.size(), 1U);
  EXPECT_EQ(reply.tool_calls[0].name, "set_timer");
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"minutes": 5, "label": "tea"})");
}

TEST_F(DemoModel, marks_a_call_that_the_limit_of_tokens_cuts_off) {
  offer_tools();
  Chat chat = chat_with("Set a timer for 5 minutes for tea.");
  int cut = 0;
  bool is_over = false;
  for (int64_t tokens = 4; !is_over; tokens += 4) {
    Request request = greedy();
    request.max_tokens = tokens;
    const Said said = testing::answer(engine(), testing::about(chat, request));
    is_over = said.end == AnswerEnd::kStop;
    if (said.reply.tool_calls.empty()) continue;
    const ToolCall& call = said.reply.tool_calls[0];
    EXPECT_TRUE(parse_json(call.arguments, "arguments").is_object());
    EXPECT_TRUE(call.is_complete || !is_over);
    cut += !call.is_complete;
  }
  EXPECT_GT(cut, 0);
}

TEST_F(DemoModel, leaves_tools_alone_that_it_does_not_need) {
  offer_tools();
  const Reply reply = ask("What is 12+9?");
  EXPECT_EQ(reply, (Reply{.reasoning = "", .content = "12 + 9 = 21.", .tool_calls = {}}));
}

// ---- the optimizations of the engine do not change the tokens

const std::vector<std::vector<std::string>> kConversations = {
    {"My name is Ada.", "What is 12+9?", "What is my name?"},
    {"Sort tree, drum, letter, cake, sail and bread", "Reverse these words: sail, egg, moon, wolf",
     "what's 47 plus 38"},
    {"Tell me a short story.", "How many words are here: sail, egg, moon, wolf", "Work out 934 + 66."},
};

Ids ids_of(Engine& engine, const std::vector<std::string>& questions, const Request& options) {
  Ids ids;
  Chat chat;
  for (const std::string& question : questions) {
    const Ids more = testing::ask(engine, chat, question, options).ids;
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

class DemoModelSays : public DemoModel, public ::testing::WithParamInterface<Request (*)()> {
 protected:
  static Request options() { return GetParam()(); }

  // Returns the ids of the answers without drafts and without the prefix cache.
  Ids plain(const std::vector<std::string>& questions) {
    Request request = options();
    request.speculation = SpeculationMode{};
    request.use_prefix_cache = false;
    return ids_of(engine(), questions, request);
  }
};

TEST_P(DemoModelSays, the_same_whoever_drafts) {
  for (const auto& questions : kConversations) {
    const Ids expected = plain(questions);
    for (const char* mode : {"none", "auto", "mtp", "mtp:1", "mtp:3", "ngram", "ngram:4"}) {
      Request request = options();
      request.speculation = parse_speculation_mode(mode);
      request.use_prefix_cache = false;
      EXPECT_EQ(ids_of(engine(), questions, request), expected) << mode << ": " << questions.front();
    }
  }
}

TEST_P(DemoModelSays, the_same_with_what_is_cached) {
  for (const auto& questions : kConversations) {
    const Ids expected = plain(questions);
    for (const char* mode : {"none", "auto"}) {
      Request request = options();
      request.speculation = parse_speculation_mode(mode);
      EXPECT_EQ(ids_of(engine(), questions, request), expected) << mode << ": " << questions.front();
      EXPECT_EQ(ids_of(engine(), questions, request), expected) << mode << ", again: " << questions.front();
    }
  }
}

TEST_P(DemoModelSays, the_same_among_others) {
  std::vector<Chat> chats(kConversations.size());
  std::vector<Ids> together(kConversations.size());
  for (size_t turn = 0; turn < kConversations.front().size(); ++turn) {
    std::map<RequestId, size_t> asked;
    for (size_t i = 0; i < chats.size(); ++i) {
      chats[i].messages.push_back(Message::user(kConversations[i][turn]));
      asked[engine().submit(testing::about(chats[i], options()))] = i;
    }
    for (const auto& [id, said] : testing::run_all(engine())) {
      Ids& ids = together[asked.at(id)];
      ids.insert(ids.end(), said.ids.begin(), said.ids.end());
      chats[asked.at(id)].messages.push_back(Message::assistant(said.reply));
    }
  }
  for (size_t i = 0; i < chats.size(); ++i) EXPECT_EQ(together[i], plain(kConversations[i])) << i;
}

INSTANTIATE_TEST_SUITE_P(Demo, DemoModelSays, ::testing::Values(&greedy, &sampled),
                         [](const auto& given) { return given.param == &greedy ? "Greedily" : "Sampled"; });

TEST_F(DemoModel, takes_up_the_second_turn_where_the_template_rewrites_the_first) {
  Chat chat;
  const Said first = testing::ask(engine(), chat, "What is 12+9?", greedy());
  const Said second = testing::ask(engine(), chat, "What is 8 - 15?", greedy());
  EXPECT_EQ(first.usage.reused_tokens, 0);
  const int64_t thinking = 4;  // <think>, </think> and their line breaks; only the last answer has them
  EXPECT_EQ(second.usage.reused_tokens, first.usage.prompt_tokens - thinking);
}

TEST_F(DemoModel, drafts_what_it_is_asked_to_repeat) {
  Chat chat;
  Request request = greedy();
  request.speculation = parse_speculation_mode("ngram:4");
  const Said said = testing::ask(engine(), chat, "Sort tree, drum, letter, cake, sail and bread", request);
  EXPECT_GT(said.usage.accepted, 0);
  EXPECT_LT(said.usage.steps, said.usage.tokens);
}

}  // namespace
}  // namespace moebius::internal
