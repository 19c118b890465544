// Promise 2 for prompts of thousands of tokens: one step of all rows gives the same logits and the same state as many
// steps. Golden checkpoints have at most 1024 positions. This test runs copies whose config.json permits more
// positions; no weight depends on that number. bitwise_test.cpp tests prompts of at most 300 tokens.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/json.h"
#include "base/testing/temporary_directory.h"
#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kPrompt = 3000;
constexpr int64_t kBehind = 5;  // tokens after the prompt; their logits show the state that it left
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

  // Returns the logits of the prompt's last token and of the tokens after it. The prompt runs in steps of at most
  // max_rows.
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

// This test runs on one checkpoint only, because the reference backend takes seconds for attention over so many tokens.
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
