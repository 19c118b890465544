// Promise 2 for prompts of thousands of tokens: one step of all rows leaves the logits and the state of many steps.
// Golden checkpoints have at most 1024 positions, so this test runs copies whose config.json permits more; no weight
// depends on it. Not here: prompts of at most 300 tokens (bitwise_test.cpp).
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/json.h"
#include "base/testing/temporary_directory.h"
#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kPrompt = 3000;
constexpr int64_t kBehind = 5;  // tokens behind the prompt, whose logits show the state that it left
constexpr int64_t kPositions = 4096;

class LongPrompt : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const Checkpoint original(checkpoint_directory(GetParam()));
    std::filesystem::copy(original.files.path(), copy_.path(), std::filesystem::copy_options::recursive);
    Json config = original.files.config();
    Json& text = config.contains("text_config") ? config["text_config"] : config;
    text["max_position_embeddings"] = kPositions;
    copy_.write("config.json", config.dump());
    std::mt19937 random(20);
    for (int64_t i = 0; i < kPrompt + kBehind; ++i) {
      tokens_.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(original.config.vocab)));
    }
  }

  // Of the last token of the prompt and of those behind it; the prompt in steps of at most max_rows.
  std::vector<float> logits(EngineOptions options, int64_t max_rows) const {
    options.limits.context = kPositions;
    options.limits.max_rows = max_rows;
    const LoadedModel loaded = load_on_backend(Checkpoint(copy_.path()), load_options(options));
    Stepper stepper(*loaded.model, *loaded.backend);
    const std::span<const int32_t> tokens(tokens_);
    std::vector<float> all = stepper.append(tokens.first(kPrompt));
    const std::vector<float> behind = stepper.append_all(tokens.last(kBehind));
    all.insert(all.end(), behind.begin(), behind.end());
    return all;
  }

  static void expect_same(std::span<const float> actual, std::span<const float> expected) {
    EXPECT_EQ(first_difference(actual, expected, std::ssize(expected) / (1 + kBehind)), "");
  }

 private:
  testing::TemporaryDirectory copy_;
  std::vector<int32_t> tokens_;
};

TEST_P(LongPrompt, in_one_step_has_the_bits_of_many) {
  const std::vector<float> expected = logits({}, 512);
  expect_same(logits({}, kPrompt), expected);
  expect_same(logits({}, 2048), expected);
}

INSTANTIATE_TEST_SUITE_P(Golden, LongPrompt,
                         ::testing::Values("q3_g64", "qwen3_next_q4_g64", "qwen3_moe_q4_g64", "qwen3_5_q4_g64",
                                           "r3_f32"),
                         [](const auto& test) { return test.param; });

// One checkpoint alone: attention over so many tokens takes plain loops seconds.
class LongPromptEverywhere : public LongPrompt {};

TEST_P(LongPromptEverywhere, in_one_step_has_the_bits_of_the_reference_on_every_instruction_set) {
  const std::vector<float> expected = logits(on(kReference), kPrompt);
  for (const InstructionSet isa : machine_instruction_sets()) {
    SCOPED_TRACE(word(isa));
    expect_same(logits(on({.instruction_set = isa}), kPrompt), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, LongPromptEverywhere, ::testing::Values("q3_g64"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace moebius::internal::golden
