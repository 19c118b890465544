// One answer: what ends it, what its text is, and that nothing but logits, seed and position decides on a token.
#include "engine/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "engine/testing/talking.h"

namespace moebius {
namespace {

using ::testing::Each;
using ::testing::Lt;

constexpr int32_t kLetterA = 97;
const std::vector<int32_t> kPrompt = {72, 101, 108, 108, 111, 32};

class GenerationTest : public ::testing::Test {
 protected:
  struct Result {
    std::vector<int32_t> ids;
    std::string text;
    GenerationEnd end = GenerationEnd::kNone;
  };

  Result generate(Sequence& sequence, std::vector<float> logits, const GenerationOptions& options) {
    Generation generation(sequence, std::move(logits), &talking_.text().tokenizer, options);
    Result result;
    while (const auto token = generation.next()) {
      result.ids.push_back(token->draw.token);
      result.text += token->text;
    }
    result.text += generation.finish();
    result.end = generation.end();
    return result;
  }

  Result generate(const GenerationOptions& options) {
    Sequence sequence = talking_.engine().start();
    std::vector<float> logits = sequence.append(kPrompt);
    return generate(sequence, std::move(logits), options);
  }

  static GenerationOptions sampled(uint64_t seed) {
    GenerationOptions options;
    options.sampling.temperature = 1.5f;
    options.sampling.seed = seed;
    options.max_tokens = 40;
    return options;
  }

  // Says nothing but the token.
  static GenerationOptions saying(int32_t token) {
    GenerationOptions options;
    options.sampling.temperature = 0;
    options.sampling.logit_bias = {{token, 100}};
    return options;
  }

  testing::Talking talking_;
};

TEST_F(GenerationTest, WithoutTemperatureTakesTheLikeliestTokenOfEachStep) {
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = 8;
  Sequence sequence = talking_.engine().start();
  std::vector<float> logits = sequence.append(kPrompt);
  for (const int32_t id : generate(options).ids) {
    logits.resize(static_cast<size_t>(talking_.text().tokenizer.vocab_size()));
    EXPECT_EQ(id, Runner::argmax(logits));
    logits = sequence.append({id});
  }
}

TEST_F(GenerationTest, SameSeedAndPromptGiveTheSameTokensHoweverThePromptWasAppended) {
  const Result expected = generate(sampled(7));
  EXPECT_EQ(generate(sampled(7)).ids, expected.ids);
  EXPECT_NE(generate(sampled(8)).ids, expected.ids);
  Sequence pieces = talking_.engine().start();
  std::vector<float> logits;
  for (const int32_t id : kPrompt) logits = pieces.append({id});
  EXPECT_EQ(generate(pieces, std::move(logits), sampled(7)).ids, expected.ids);
}

TEST_F(GenerationTest, AnAnswerGoesOnAfterABreakAsIfThereHadBeenNone) {
  const Result expected = generate(sampled(7));
  Sequence sequence = talking_.engine().start();
  std::vector<float> logits = sequence.append(kPrompt);
  GenerationOptions options = sampled(7);
  options.max_tokens = 13;
  Result first = generate(sequence, std::move(logits), options);
  options.max_tokens = 40 - 13;
  const Result rest = generate(sequence, sequence.append({first.ids.back()}), options);
  first.ids.insert(first.ids.end(), rest.ids.begin(), rest.ids.end());
  EXPECT_EQ(first.ids, expected.ids);
}

TEST_F(GenerationTest, PaddingIsNeverDrawn) {
  GenerationOptions options = sampled(3);
  options.sampling.temperature = 100;
  options.max_tokens = 300;
  EXPECT_THAT(generate(options).ids, Each(Lt(talking_.text().tokenizer.vocab_size())));
}

TEST_F(GenerationTest, TextIsTheDecodeOfTheTokens) {
  const Result result = generate(sampled(5));
  StreamDecoder decoder(talking_.text().tokenizer);
  std::string text;
  for (const int32_t id : result.ids) text += decoder.push(id);
  EXPECT_EQ(result.text, text + decoder.finish());
}

TEST_F(GenerationTest, AStopIdEndsTheAnswerAndIsNotItsText) {
  const int32_t end_of_turn = talking_.text().end_of_turn.value_or(-1);
  GenerationOptions options = saying(end_of_turn);
  options.stop_ids = {end_of_turn};
  const Result result = generate(options);
  EXPECT_EQ(result.ids, std::vector<int32_t>{end_of_turn});
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.end, GenerationEnd::kStop);
}

TEST_F(GenerationTest, AStopStringEndsTheAnswerAndIsNotItsText) {
  GenerationOptions options = saying(kLetterA);
  options.stop = {"b", "aaa"};
  const Result result = generate(options);
  EXPECT_EQ(result.ids.size(), 3);
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.end, GenerationEnd::kStop);
}

TEST_F(GenerationTest, WhatMightHaveBecomeAStopStringComesAtTheEnd) {
  GenerationOptions options = saying(kLetterA);
  options.stop = {"aaaaX"};
  options.max_tokens = 6;
  const Result result = generate(options);
  EXPECT_EQ(result.text, "aaaaaa");
  EXPECT_EQ(result.end, GenerationEnd::kLength);
}

TEST_F(GenerationTest, AFullContextEndsTheAnswer) {
  EngineOptions engine;
  engine.context = 10;
  testing::Talking small(engine);
  Sequence sequence = small.engine().start();
  GenerationOptions options = saying(kLetterA);
  options.max_tokens = 100;
  const Result result = generate(sequence, sequence.append(kPrompt), options);
  EXPECT_EQ(result.ids.size(), 10 - kPrompt.size() + 1);  // the last one is drawn and finds no place
  EXPECT_EQ(result.end, GenerationEnd::kLength);
}

TEST_F(GenerationTest, StopStringsNeedText) {
  Sequence sequence = talking_.engine().start();
  GenerationOptions options;
  options.stop = {"x"};
  expect_error(ErrorCode::kUsage, "no tokenizer",
               [&] { Generation(sequence, sequence.append(kPrompt), nullptr, options); });
}

}  // namespace
}  // namespace moebius
