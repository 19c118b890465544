// Turns on one sequence give what a fresh sequence would give, and prefill no more than they must.
#include "engine/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/expect_error.h"
#include "engine/testing/talking.h"

namespace moebius {
namespace {

constexpr int32_t kLetterA = 97;

void no_progress(int64_t, int64_t) {}

class ConversationTest : public ::testing::Test {
 protected:
  static GenerationOptions options(uint64_t seed = 1) {
    GenerationOptions options;
    options.sampling.seed = seed;
    options.max_tokens = 12;
    return options;
  }

  static GenerationOptions saying_a() {
    GenerationOptions says = options();
    says.sampling.logit_bias = {{kLetterA, 100}};
    return says;
  }

  Conversation start() { return Conversation(talking_.engine(), talking_.text()); }

  struct Turn {
    PromptCounts prompt;
    std::vector<int32_t> ids;
    std::vector<ReplyEvent> events;
  };

  static Turn ask(Conversation& conversation, const std::string& text, const GenerationOptions& options) {
    conversation.messages.push_back({{"role", "user"}, {"content", text}});
    Answer answer = conversation.answer(options, no_progress);
    Turn turn{answer.prompt(), {}, {}};
    while (const auto step = answer.next()) {
      turn.ids.push_back(step->token.draw.token);
      turn.events.insert(turn.events.end(), step->events.begin(), step->events.end());
    }
    answer.finish();
    conversation.add(answer.reply());
    return turn;
  }

  // The same question to a sequence that has seen nothing.
  std::vector<int32_t> ask_afresh(const Conversation& before, const std::string& text,
                                  const GenerationOptions& options) {
    Conversation fresh = start();
    fresh.messages = before.messages;
    fresh.template_options = before.template_options;
    const Turn turn = ask(fresh, text, options);
    EXPECT_EQ(turn.prompt.reused, 0);
    return turn.ids;
  }

  testing::Talking talking_;
};

TEST_F(ConversationTest, EveryTurnIsWhatAFreshSequenceWouldSay) {
  for (const bool thinking : {false, true}) {
    Conversation conversation = start();
    conversation.template_options["enable_thinking"] = thinking;
    for (uint64_t turn = 0; turn < 4; ++turn) {
      const std::vector<int32_t> expected = ask_afresh(conversation, "and now?", options(turn));
      EXPECT_EQ(ask(conversation, "and now?", options(turn)).ids, expected) << thinking << " turn " << turn;
    }
  }
}

TEST_F(ConversationTest, ATurnPrefillsOnlyWhatIsNew) {
  Conversation conversation = start();
  const Turn first = ask(conversation, "hello", saying_a());
  const Turn second = ask(conversation, "and now?", saying_a());
  EXPECT_EQ(first.prompt.reused, 0);
  EXPECT_EQ(second.prompt.reused, first.prompt.tokens + 11);  // the last of 12 tokens was never appended
}

TEST_F(ConversationTest, ThinkingThatTheTemplateDropsCostsTheAnswerAndNoMore) {
  Conversation conversation = start();
  conversation.template_options["enable_thinking"] = true;
  ask(conversation, "hello", saying_a());
  const int64_t question = 1 + 5 + 5 + 1 + 1;  // <|im_start|> user\n hello <|im_end|> \n
  EXPECT_EQ(ask(conversation, "and now?", saying_a()).prompt.reused, question);
}

TEST_F(ConversationTest, AnotherAnswerToTheSameQuestionPrefillsNothingButItsBeginning) {
  Conversation conversation = start();
  const Turn first = ask(conversation, "hello", options(1));
  conversation.messages.erase(0);
  conversation.messages.erase(0);
  const Turn again = ask(conversation, "hello", options(1));
  EXPECT_EQ(again.ids, first.ids);
  EXPECT_GE(again.prompt.reused, 13);
}

TEST_F(ConversationTest, AnEditedMessageIsReadAgain) {
  Conversation conversation = start();
  ask(conversation, "hello", options());
  conversation.messages[0]["content"] = "other";
  const std::vector<int32_t> expected = ask_afresh(conversation, "and now?", options());
  EXPECT_EQ(ask(conversation, "and now?", options()).ids, expected);
}

TEST_F(ConversationTest, WhatAUserWritesIsNoControlToken) {
  Conversation conversation = start();
  const Turn plain = ask(conversation, std::string(10, 'x'), options());
  Conversation other = start();
  EXPECT_EQ(ask(other, "<|im_end|>", options()).prompt.tokens, plain.prompt.tokens);  // ten bytes, ten tokens
}

TEST_F(ConversationTest, AnOpenThinkBlockOfThePromptMakesTheAnswerThinking) {
  Conversation conversation = start();
  conversation.template_options["enable_thinking"] = true;
  for (const ReplyEvent& event : ask(conversation, "hello", saying_a()).events) {
    EXPECT_EQ(event.kind, ReplyEvent::Kind::kReasoning);
  }
  EXPECT_EQ(conversation.messages.back()["content"], "");
  Conversation quoting = start();
  for (const ReplyEvent& event : ask(quoting, "what is <think>?", saying_a()).events) {
    EXPECT_EQ(event.kind, ReplyEvent::Kind::kContent);
  }
}

TEST_F(ConversationTest, MessagesThatDoNotFitAreRefused) {
  EngineOptions engine;
  engine.context = 40;
  testing::Talking small(engine);
  Conversation conversation(small.engine(), small.text());
  conversation.messages.push_back({{"role", "user"}, {"content", std::string(50, 'x')}});
  expect_error(ErrorCode::kUsage, "context of 40", [&] { conversation.answer(options(), no_progress); });
}

TEST_F(ConversationTest, APrefillThatWasStoppedCanBeTakenUpAgain) {
  Conversation conversation = start();
  const std::string question(600, 'q');
  const std::vector<int32_t> expected = ask_afresh(conversation, question, options());
  conversation.messages.push_back({{"role", "user"}, {"content", question}});
  const auto stop = [](int64_t, int64_t) { throw Error(ErrorCode::kInterrupted, "test", "stopped"); };
  expect_error(ErrorCode::kInterrupted, "stopped", [&] { conversation.answer(options(), stop); });
  conversation.messages.erase(0);
  EXPECT_EQ(ask(conversation, question, options()).ids, expected);
}

}  // namespace
}  // namespace moebius
