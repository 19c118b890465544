// Tests the stepper: its checks, how it cuts prompts, what it draws and keeps, and its error for non-finite logits.
// tests/golden tests that steps behind kept drafts have the right bits on every backend.
#include "model/stepper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "model/testing/tiny_families.h"
#include "model/testing/tiny_model.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;

using Logits = std::vector<float>;

constexpr int64_t kVocab = 40;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
const std::vector<int32_t> kPrompt = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};

TinyModel tiny_with(const ModelOptions& options) { return TinyModel(tiny_config(), tiny_tensors(), options); }

Logits appended(TinyModel& tiny, std::span<const int32_t> tokens) {
  return Stepper(tiny.model(), tiny.backend()).append(tokens);
}

Logits all_appended(TinyModel& tiny, std::span<const int32_t> tokens) {
  return Stepper(tiny.model(), tiny.backend()).append_all(tokens);
}

Logits rows_of(const Logits& logits, int64_t first, int64_t count) {
  return {logits.begin() + first * kVocab, logits.begin() + (first + count) * kVocab};
}

int32_t greedy(const Logits& row) { return static_cast<int32_t>(std::ranges::max_element(row) - row.begin()); }

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

// ---- logits on the host

TEST(Stepper, append_gives_the_last_row_of_append_all) {
  TinyModel tiny;
  const Logits all = all_appended(tiny, kPrompt);
  ASSERT_EQ(std::ssize(all), std::ssize(kPrompt) * kVocab);
  EXPECT_EQ(appended(tiny, kPrompt), rows_of(all, std::ssize(kPrompt) - 1, 1));
}

TEST(Stepper, long_prompts_are_cut_into_steps) {
  TinyModel whole;
  TinyModel cut = tiny_with({.max_rows = 4});
  EXPECT_EQ(appended(cut, kPrompt), appended(whole, kPrompt));
  EXPECT_EQ(all_appended(cut, kPrompt), all_appended(whole, kPrompt));
}

TEST(Stepper, more_rows_of_logits_than_one_step_gives) {
  TinyModel tiny;
  const std::vector<int32_t> tokens(100, 7);
  const Logits all = all_appended(tiny, tokens);
  ASSERT_EQ(std::ssize(all), 100 * kVocab);
  EXPECT_EQ(appended(tiny, tokens), rows_of(all, 99, 1));
}

TEST(Stepper, a_step_gives_the_rows_that_are_wanted) {
  TinyModel tiny;
  const Logits all = all_appended(tiny, kPrompt);
  Stepper stepper(tiny.model(), tiny.backend());
  const std::span<const int32_t> tokens(kPrompt);
  EXPECT_EQ(stepper.step(tokens.first(6), {.first = 1, .count = 3}), rows_of(all, 1, 3));
  EXPECT_TRUE(stepper.step(tokens.subspan(6, 2), {}).empty());
  EXPECT_EQ(stepper.step(tokens.subspan(8, 1), {.first = 0, .count = 1}), rows_of(all, 8, 1));
}

TEST(Stepper, position_counts_the_tokens_seen) {
  TinyModel tiny;
  Stepper stepper(tiny.model(), tiny.backend());
  EXPECT_EQ(stepper.position(), 0);
  stepper.append({{1, 2, 3}});
  stepper.append({{4}});
  EXPECT_EQ(stepper.position(), 4);
  EXPECT_THAT(stepper.tokens(), ElementsAre(1, 2, 3, 4));
}

TEST(Stepper, sequences_on_one_model_are_independent) {
  TinyModel tiny;
  const Logits alone = appended(tiny, {{1, 2}});
  Stepper first(tiny.model(), tiny.backend());
  first.append({{1}});
  Stepper second(tiny.model(), tiny.backend());
  second.append({{9}});
  EXPECT_EQ(first.append({{2}}), alone);
}

TEST(Stepper, refuses_tokens_that_cannot_be_and_keeps_its_place) {
  TinyModel tiny = tiny_with({.context = 4});
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.append({{1, 2}});
  const std::vector<std::vector<int32_t>> bad = {{}, {-1}, {40}, {1, 40}, {1, 2, 3}};
  for (const auto& tokens : bad) {
    EXPECT_EQ(code_of([&] { stepper.append(tokens); }), ErrorCode::kUsage);
    EXPECT_EQ(code_of([&] { stepper.append_all(tokens); }), ErrorCode::kUsage);
    EXPECT_EQ(stepper.position(), 2);
  }
  EXPECT_EQ(stepper.append({{3, 4}}), appended(tiny, {{1, 2, 3, 4}}));
}

TEST(Stepper, starts_again_when_it_is_reset) {
  TinyModel tiny = tiny_with({.draft_rows = 4});
  Stepper stepper(tiny.model(), tiny.backend());
  const Logits first = stepper.append(kPrompt);
  stepper.append_draft({{1, 2}});
  stepper.reset();
  EXPECT_EQ(stepper.position(), 0);
  EXPECT_EQ(stepper.append(kPrompt), first);
}

// ---- drafts

TEST(Stepper, keep_goes_back_to_the_tokens_that_stay) {
  TinyModel tiny = tiny_with({.draft_rows = 4});
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.append({{3, 1}});
  EXPECT_EQ(stepper.append_draft({{4, 1, 7, 7}}), rows_of(all_appended(tiny, {{3, 1, 4, 1, 7, 7}}), 2, 4));
  EXPECT_EQ(stepper.position(), 6);
  stepper.keep(2);
  EXPECT_THAT(stepper.tokens(), ElementsAre(3, 1, 4, 1));
  EXPECT_EQ(stepper.append({{5}}), appended(tiny, {{3, 1, 4, 1, 5}}));
}

TEST(Stepper, drafts_are_refused_where_they_cannot_be) {
  TinyModel tiny = tiny_with({.draft_rows = 4});
  Stepper stepper(tiny.model(), tiny.backend());
  EXPECT_EQ(code_of([&] { stepper.keep(0); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { stepper.append_draft({{1, 2, 3, 4, 5}}); }), ErrorCode::kUsage);
  stepper.append_draft({{1, 2}});
  EXPECT_EQ(code_of([&] { stepper.append({{1}}); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { stepper.append_draft({{1}}); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { stepper.keep(3); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { stepper.keep(-1); }), ErrorCode::kUsage);
  stepper.keep(0);
  EXPECT_EQ(stepper.position(), 0);
}

// ---- steps like those of the scheduler

TEST(Stepper, draws_the_token_of_the_largest_logit) {
  TinyModel tiny;
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.enqueue(kPrompt, {.first = std::ssize(kPrompt) - 1, .count = 1});
  const SequenceDraws& draws = stepper.draw();
  ASSERT_EQ(draws.draws.size(), 1u);
  EXPECT_EQ(draws.draws[0].token, greedy(appended(tiny, kPrompt)));
  EXPECT_EQ(stepper.position(), std::ssize(kPrompt));
}

TEST(Stepper, draws_what_a_mask_leaves) {
  TinyModel tiny;
  Logits logits = appended(tiny, kPrompt);
  const int32_t best = greedy(logits);
  std::vector<uint32_t> words = {~0u, ~0u};
  words[static_cast<size_t>(best) / 32] &= ~(1u << (best % 32));
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.enqueue(kPrompt, {.first = std::ssize(kPrompt) - 1, .count = 1});
  const TokenMask mask = words;
  logits[static_cast<size_t>(best)] = -kInfinity;
  EXPECT_EQ(stepper.draw({&mask, 1}).draws[0].token, greedy(logits));
}

TEST(Stepper, takes_back_the_drafts_that_were_not_drawn) {
  TinyModel tiny = tiny_with({.draft_rows = 4});
  std::vector<int32_t> answer = kPrompt;
  for (int i = 0; i < 4; ++i) answer.push_back(greedy(appended(tiny, answer)));
  for (int64_t right = 0; right <= 3; ++right) {
    Stepper stepper(tiny.model(), tiny.backend());
    stepper.append(kPrompt);
    std::vector<int32_t> draft(answer.end() - 4, answer.end());
    for (auto token = draft.begin() + 1 + right; token < draft.end(); ++token)
      *token = static_cast<int32_t>((*token + 1) % kVocab);
    stepper.enqueue_draft(draft);
    EXPECT_EQ(stepper.draw().accepted, right);
    EXPECT_EQ(stepper.position(), std::ssize(kPrompt) + 1 + right);
    std::vector<int32_t> kept(stepper.tokens().begin(), stepper.tokens().end());
    kept.push_back(7);
    EXPECT_EQ(stepper.append({{7}}), appended(tiny, kept));
  }
}

TEST(Stepper, rewinds_to_tokens_whose_keys_and_values_still_stand) {
  const TinyFamily attention_alone = tiny_qwen3_moe();
  TinyModel tiny(attention_alone.config, attention_alone.tensors);
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.append(kPrompt);
  stepper.rewind(2);
  EXPECT_THAT(stepper.tokens(), ElementsAre(3, 1));
  EXPECT_EQ(stepper.append({{8, 8}}), appended(tiny, {{3, 1, 8, 8}}));
}

TEST(Stepper, repeats_its_tokens_up_to_a_position) {
  TinyModel tiny;
  Stepper stepper(tiny.model(), tiny.backend());
  stepper.append({{3, 1, 4}});
  stepper.repeat_until(8);
  EXPECT_THAT(stepper.tokens(), ElementsAre(3, 1, 4, 3, 1, 4, 3, 1));
  EXPECT_EQ(std::ssize(stepper.append({{5}})), kVocab);
  EXPECT_EQ(stepper.position(), 9);
}

// ---- logits that are not finite

struct Broken {
  std::string tensor;
  int64_t element;
  float value;
  std::string place;
};

class NonFinite : public ::testing::TestWithParam<Broken> {};

TEST_P(NonFinite, names_the_first_layer_that_broke) {
  TinyTensors tensors = tiny_tensors(DType::kF32);
  store_f32(tensors.at(GetParam().tensor).bytes.data(), DType::kF32, GetParam().element, GetParam().value);
  TinyModel tiny(tiny_config(), tensors, {.max_rows = 4});  // the search takes several steps
  Stepper stepper(tiny.model(), tiny.backend(), "some/directory");
  try {
    stepper.append(kPrompt);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().place));
    EXPECT_THAT(error.what(), HasSubstr("some/directory"));
  }
  EXPECT_EQ(stepper.position(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Stepper, NonFinite,
    ::testing::Values(
        Broken{"model.layers.2.linear_attn.out_proj.weight", 0, kInfinity, "layer 2 (linear attention), token 0"},
        Broken{"model.layers.3.self_attn.o_proj.weight", 64, kNan, "layer 3 (full attention), token 0"},
        Broken{"model.layers.1.mlp.shared_expert.down_proj.weight", 5, kNan, "layer 1 (full attention), token 0"},
        // Row 8 of the embedding is broken. The first token 8 of the prompt is at position 11.
        Broken{"model.embed_tokens.weight", 8 * 64, kNan, "layer 0 (linear attention), token 11"},
        Broken{"lm_head.weight", 3 * 64, kNan, "the final norm or the head"}));

TEST(Stepper, a_sequence_starts_again_after_it_broke) {
  TinyTensors tensors = tiny_tensors(DType::kF32);
  store_f32(tensors.at("model.embed_tokens.weight").bytes.data(), DType::kF32, 8 * 64, kNan);
  TinyModel tiny(tiny_config(), tensors);
  Stepper stepper(tiny.model(), tiny.backend());
  EXPECT_EQ(code_of([&] { stepper.append({{1, 8}}); }), ErrorCode::kNonFinite);
  EXPECT_EQ(stepper.append({{1, 2}}), appended(tiny, {{1, 2}}));
}

}  // namespace
}  // namespace moebius::internal
