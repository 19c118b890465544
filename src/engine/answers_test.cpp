// Tests the answers of an engine on a tiny checkpoint: only the prompt, the options and the position decide which token
// is drawn. Also tests what ends an answer, and that a turn computes no more than it must. prompt_test.cpp tests how a
// request becomes ids, answer_text_test.cpp how ids become text, and demo_model_test.cpp answers that make sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/testing/expect_error.h"
#include "engine/testing/asking.h"
#include "engine/testing/talking.h"
#include "load/options.h"
#include "model/stepper.h"

namespace moebius::internal {
namespace {

using ::testing::Each;
using ::testing::Lt;
using testing::Said;
using testing::Talking;
using Ids = std::vector<int32_t>;

constexpr int32_t kLetterA = 97;
constexpr int32_t kEndOfTurn = 257;
const Ids kPrompt = {72, 101, 108, 108, 111, 32};

Request sampled(uint64_t seed, int64_t max_tokens = 40) {
  Request request;
  request.sampling.temperature = 1.5f;
  request.sampling.seed = seed;
  request.max_tokens = max_tokens;
  return request;
}

Request saying(int32_t token, int64_t max_tokens = 12) {
  Request request;
  request.sampling.temperature = 0;
  request.sampling.logit_bias = {{token, 100}};
  request.max_tokens = max_tokens;
  return request;
}

Request continuing(Request request, const Ids& prompt = kPrompt) {
  request.tokens = prompt;
  return request;
}

Ids operator+(Ids ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
  return ids;
}

class AnswersTest : public ::testing::Test {
 protected:
  Said answer(const Request& request) { return testing::answer(engine(), request); }
  Engine& engine() { return talking_.engine(); }

  // Asks the question without the prefix cache.
  Ids ask_afresh(Chat chat, const std::string& question, Request options) {
    options.use_prefix_cache = false;
    const Said said = testing::ask(engine(), chat, question, options);
    EXPECT_EQ(said.usage.reused_tokens, 0);
    return said.ids;
  }

  Talking talking_;
};

TEST_F(AnswersTest, without_temperature_are_the_likeliest_token_of_each_step) {
  Request request = continuing(sampled(1, 8));
  request.sampling.temperature = 0;
  const LoadedModel loaded = load_on_backend(Checkpoint(talking_.directory()), load_options({}));
  Stepper stepper(*loaded.model, *loaded.backend);
  std::vector<float> logits = stepper.append(kPrompt);
  const Said said = answer(request);
  ASSERT_EQ(said.ids.size(), 8);
  for (const int32_t id : said.ids) {
    logits.resize(static_cast<size_t>(engine().vocab()));
    EXPECT_EQ(id, std::ranges::max_element(logits) - logits.begin());
    logits = stepper.append({{id}});
  }
}

TEST_F(AnswersTest, hang_on_the_seed_and_not_on_the_steps_of_the_prompt) {
  const Ids expected = answer(continuing(sampled(7))).ids;
  EXPECT_EQ(answer(continuing(sampled(7))).ids, expected);
  EXPECT_NE(answer(continuing(sampled(8))).ids, expected);
  EngineOptions options;
  options.limits.max_rows = 2;
  options.limits.max_sequences = 1;
  Talking in_small_steps(options);
  EXPECT_EQ(testing::answer(in_small_steps.engine(), continuing(sampled(7))).ids, expected);
}

TEST_F(AnswersTest, go_on_after_a_break_as_if_there_had_been_none) {
  const Ids expected = answer(continuing(sampled(7))).ids;
  const Ids first = answer(continuing(sampled(7, 13))).ids;
  EXPECT_EQ(first + answer(continuing(sampled(7, 27), kPrompt + first)).ids, expected);
}

TEST_F(AnswersTest, are_no_padding) {
  Request request = continuing(sampled(3, 300));
  request.sampling.temperature = 100;
  EXPECT_THAT(answer(request).ids, Each(Lt(engine().vocab())));
}

TEST_F(AnswersTest, end_with_a_stop_id_which_is_not_their_text) {
  Request request = saying(kEndOfTurn);
  request.text = "Hello";
  const Said said = answer(request);
  EXPECT_EQ(said.ids, Ids{kEndOfTurn});
  EXPECT_EQ(said.reply.content, "");
  EXPECT_EQ(said.end, AnswerEnd::kStop);
}

TEST_F(AnswersTest, end_with_the_token_that_completes_a_stop_string) {
  Request request = saying(kLetterA);
  request.text = "Hello";
  request.stop = {"b", "aaa"};
  const Said said = answer(request);
  EXPECT_EQ(said.ids.size(), 3);
  EXPECT_EQ(said.reply.content, "");
  EXPECT_EQ(said.end, AnswerEnd::kStop);
}

TEST_F(AnswersTest, end_where_the_context_is_full) {
  EngineOptions options;
  options.limits.context = 10;
  Talking small(options);
  const Said said = testing::answer(small.engine(), continuing(saying(kLetterA, 100)));
  EXPECT_EQ(said.ids.size(), 10 - kPrompt.size() + 1);  // the last token is drawn behind the last position
  EXPECT_EQ(said.end, AnswerEnd::kLength);
}

TEST_F(AnswersTest, of_every_turn_are_those_of_a_fresh_conversation) {
  for (const bool thinking : {false, true}) {
    Chat chat;
    chat.thinking = thinking;
    for (uint64_t turn = 0; turn < 4; ++turn) {
      const Ids expected = ask_afresh(chat, "and now?", sampled(turn, 12));
      EXPECT_EQ(testing::ask(engine(), chat, "and now?", sampled(turn, 12)).ids, expected)
          << thinking << " turn " << turn;
    }
  }
}

TEST_F(AnswersTest, compute_only_what_is_new_in_a_turn) {
  Chat chat;
  const Said first = testing::ask(engine(), chat, "hello", saying(kLetterA));
  EXPECT_EQ(first.usage.reused_tokens, 0);
  const Said second = testing::ask(engine(), chat, "and now?", saying(kLetterA));
  EXPECT_EQ(second.usage.reused_tokens,
            first.usage.prompt_tokens + 11);  // the state has not seen the last of the 12 tokens
}

TEST_F(AnswersTest, whose_thinking_the_template_drops_are_computed_again_and_nothing_else) {
  Chat chat;
  chat.thinking = true;
  const Said first = testing::ask(engine(), chat, "hello", saying(kLetterA));
  const int64_t before_it = first.usage.prompt_tokens - 2;  // <think> and a line break
  EXPECT_EQ(testing::ask(engine(), chat, "and now?", saying(kLetterA)).usage.reused_tokens, before_it);
}

TEST_F(AnswersTest, to_the_same_question_compute_nothing_but_their_beginning) {
  Chat chat;
  const Said first = testing::ask(engine(), chat, "hello", sampled(1));
  chat.messages.clear();
  const Said again = testing::ask(engine(), chat, "hello", sampled(1));
  EXPECT_EQ(again.ids, first.ids);
  EXPECT_GE(again.usage.reused_tokens, 13);
}

TEST_F(AnswersTest, read_an_edited_message_again) {
  Chat chat;
  testing::ask(engine(), chat, "hello", sampled(1));
  chat.messages[0] = Message::user("other");
  const Ids expected = ask_afresh(chat, "and now?", sampled(1));
  EXPECT_EQ(testing::ask(engine(), chat, "and now?", sampled(1)).ids, expected);
}

TEST_F(AnswersTest, to_more_than_the_context_are_refused) {
  EngineOptions options;
  options.limits.context = 40;
  Talking small(options);
  Chat chat;
  chat.messages.push_back(Message::user(std::string(50, 'x')));
  testing::expect_error(ErrorCode::kUsage, "context of 40",
                        [&] { small.engine().submit(testing::about(chat, sampled(1))); });
}

TEST_F(AnswersTest, that_were_cancelled_in_their_prompt_can_be_had_later) {
  const std::string question(1600, 'q');
  Chat chat;
  const Ids expected = ask_afresh(chat, question, sampled(1));
  chat.messages.push_back(Message::user(question));
  const RequestId id = engine().submit(testing::about(chat, sampled(1)));
  engine().step();
  engine().cancel(id);
  const Said cancelled = testing::run_all(engine())[id];
  EXPECT_EQ(cancelled.end, AnswerEnd::kCancelled);
  EXPECT_TRUE(cancelled.ids.empty());
  EXPECT_EQ(answer(testing::about(chat, sampled(1))).ids, expected);
}

}  // namespace
}  // namespace moebius::internal
