// The model that ships with the project, through the engine: text in, right answers out. A random checkpoint says noise
// whatever happens; this one shows when tokenizer, template, forward pass, sampler and reply parser do not fit
// together. Not here: the program (tests/e2e/demo_test.py), how often the model is right
// (tools/demo_model/evaluate.py).
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engine/conversation.h"

namespace moebius {
namespace {

class DemoModel : public ::testing::Test {
 protected:
  // Adds a message and lets the model answer it, greedily, until it ends its turn.
  Reply say(Json message) {
    conversation_.messages.push_back(std::move(message));
    GenerationOptions greedy;
    greedy.sampling.temperature = 0;
    Answer answer = conversation_.answer(greedy, [](int64_t, int64_t) {});
    while (answer.next()) {
    }
    answer.finish();
    EXPECT_EQ(answer.generation().end(), GenerationEnd::kStop);
    conversation_.add(answer.reply());
    return answer.reply();
  }

  Reply ask(const std::string& question) { return say({{"role", "user"}, {"content", question}}); }
  Reply tell_result(const std::string& result) { return say({{"role", "tool"}, {"content", result}}); }

  void make_it_think() { conversation_.template_options["enable_thinking"] = true; }
  void offer_tools() {
    conversation_.tools = parse_json(R"([
        {"type": "function", "function": {
          "name": "get_weather", "description": "Get the weather of a city",
          "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
        {"type": "function", "function": {
          "name": "set_timer", "description": "Start a timer",
          "parameters": {
            "type": "object", "properties": {"minutes": {"type": "integer"}, "label": {"type": "string"}},
            "required": ["minutes", "label"]}}}])",
                                     "tools");
  }

 private:
  static EngineOptions options() {
    EngineOptions options;
    options.packed = "off";  // a file that a run of the program left beside the model is not what is tested
    options.context = 512;
    return options;
  }

  const std::string directory_ = MOEBIUS_SOURCE_DIR "/models/demo";
  Engine engine_ = Engine::load(directory_, options());
  const ModelText text_ = load_model_text(directory_);
  Conversation conversation_{engine_, text_};
};

struct Exchange {
  const char* name;
  const char* question;
  const char* answer;
};

class DemoModelAnswers : public DemoModel, public ::testing::WithParamInterface<Exchange> {};

TEST_P(DemoModelAnswers, Rightly) {
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

TEST_F(DemoModel, RemembersWhatWasSaid) {
  ask("My name is Ada.");  // which it has no good answer to: in its training, none was the last of a text
  EXPECT_EQ(ask("What is 12+9?").content, "12 + 9 = 21.");
  EXPECT_EQ(ask("What is my name?").content, "Your name is Ada.");
}

TEST_F(DemoModel, ThinksBeforeItAnswersWhenAsked) {
  make_it_think();
  const Reply reply = ask("What is 47+38?");
  EXPECT_EQ(reply.content, "47 + 38 = 85.");
  EXPECT_EQ(reply.reasoning, "7 + 8 = 15, write 5, carry 1. 4 + 3 + 1 = 8. So it is 85.");
}

TEST_F(DemoModel, CallsAToolAndTellsItsResult) {
  offer_tools();
  const Reply reply = ask("What is the weather in Paris?");
  EXPECT_EQ(reply.content, "");
  ASSERT_EQ(reply.tool_calls.size(), 1U);
  EXPECT_EQ(reply.tool_calls[0].name, "get_weather");
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"city": "Paris"})");
  EXPECT_EQ(tell_result(R"({"temperature": 21, "sky": "sunny"})").content, "In Paris it is sunny and 21 degrees.");
}

TEST_F(DemoModel, GivesArgumentsTheTypesOfTheTool) {
  offer_tools();
  const Reply reply = ask("Set a timer for 5 minutes for tea.");
  ASSERT_EQ(reply.tool_calls.size(), 1U);
  EXPECT_EQ(reply.tool_calls[0].name, "set_timer");
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"minutes": 5, "label": "tea"})");
}

TEST_F(DemoModel, LeavesToolsAloneThatItDoesNotNeed) {
  offer_tools();
  const Reply reply = ask("What is 12+9?");
  EXPECT_EQ(reply, (Reply{.reasoning = "", .content = "12 + 9 = 21.", .tool_calls = {}}));
}

}  // namespace
}  // namespace moebius
