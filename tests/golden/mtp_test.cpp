// The draft head: its logits are those of transformers (promise 1). They have the same bits on every backend, in any
// chunks, and from a directory of its own. This file does not test what is done with the drafts.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden.h"

namespace moebius::internal::golden {
namespace {

struct Run {
  std::string model;
  std::string head;  // a directory; empty: the model's own
  ComputeOptions compute;
  int64_t chunk = 64;
};

// Returns the logits [T - 1, V] of the draft head.
std::vector<float> mtp_logits(const Run& run, std::span<const int32_t> tokens) {
  EngineOptions options = on(run.compute);
  options.drafts.head = run.head.empty() ? DraftHeadUse::kBundled : DraftHeadUse::kDirectory;
  options.drafts.head_directory = run.head;
  const LoadedModel loaded = load(run.model, options);
  Stepper stepper(*loaded.model, *loaded.backend);
  const auto chunk = static_cast<size_t>(run.chunk);
  std::vector<float> all;
  for (size_t begin = 0; begin + 1 < tokens.size(); begin += chunk) {
    stepper.step(tokens.subspan(begin, std::min(chunk, tokens.size() - begin)), {});
    const std::vector<float> logits =
        stepper.step_draft_head(tokens.subspan(begin + 1, std::min(chunk, tokens.size() - begin - 1)));
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

class BundledHead : public ::testing::TestWithParam<std::string> {};

TEST_P(BundledHead, is_that_of_transformers) {
  const Expected expected = read_expected(GetParam());
  expect_promise(mtp_logits({GetParam(), "", kReference, 64}, expected.tokens), expected.mtp_logits);
}

TEST_P(BundledHead, has_the_same_bits_on_every_instruction_set_in_any_chunks) {
  const Expected expected = read_expected(GetParam());
  const std::vector<float> reference = mtp_logits({GetParam(), "", kReference, 64}, expected.tokens);
  const auto vocab = static_cast<int64_t>(reference.size() / (expected.tokens.size() - 1));
  for (const ComputeOptions& cpu : every_cpu()) {
    if (!runs_here(cpu)) GTEST_SKIP() << "NOT TESTED: this machine has no " << name_of(cpu);
    for (const int64_t chunk : {64, 7, 1}) {
      SCOPED_TRACE(::testing::Message() << name_of(cpu) << ", chunks of " << chunk);
      EXPECT_EQ(first_difference(mtp_logits({GetParam(), "", cpu, chunk}, expected.tokens), reference, vocab), "");
    }
  }
}

TEST_P(BundledHead, goes_on_behind_the_drafts_that_stay) {
  const Expected expected = read_expected(GetParam());
  const std::span<const int32_t> tokens(expected.tokens);
  EngineOptions options;
  options.drafts.head = DraftHeadUse::kBundled;
  const LoadedModel loaded = load(GetParam(), options);
  Stepper plain(*loaded.model, *loaded.backend), drafting(*loaded.model, *loaded.backend);
  for (Stepper* stepper : {&plain, &drafting}) {
    stepper->step(tokens.first(10), {});
    stepper->step_draft_head(tokens.subspan(1, 10));
  }
  plain.step(tokens.subspan(10, 2), {});
  const std::vector<float> logits = plain.step_draft_head(tokens.subspan(11, 2));
  drafting.append_draft({{tokens[10], tokens[11], tokens[10], tokens[10]}});
  drafting.keep(2);
  const int64_t vocab = loaded.model->config().vocab;
  EXPECT_EQ(first_difference(drafting.step_draft_head(tokens.subspan(11, 2)), logits, vocab), "");
}

INSTANTIATE_TEST_SUITE_P(Golden, BundledHead, ::testing::ValuesIn(kMtp), [](const auto& test) { return test.param; });

class SeparateHead : public ::testing::TestWithParam<HeadApart> {};

TEST_P(SeparateHead, has_the_bits_of_the_bundled_one) {
  const HeadApart& apart = GetParam();
  const std::vector<int32_t> tokens = read_expected(apart.base).tokens;
  const std::vector<float> bundled = mtp_logits({apart.base, "", kCpu, 64}, tokens);
  const std::vector<float> actual = mtp_logits({apart.model, checkpoint_directory(apart.head), kCpu, 64}, tokens);
  EXPECT_EQ(first_difference(actual, bundled, static_cast<int64_t>(bundled.size() / (tokens.size() - 1))), "");
}

INSTANTIATE_TEST_SUITE_P(Golden, SeparateHead, ::testing::ValuesIn(kHeadsApart),
                         [](const auto& test) { return test.param.head; });

TEST(MissingHead, is_an_error_that_names_the_tensor) {
  try {
    mtp_logits({"mtp_qwen3_5_moe_mlx", "", kCpu, 64}, std::vector<int32_t>{1, 2});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingTensor);
    EXPECT_NE(std::string(error.what()).find("mtp.fc"), std::string::npos);
  }
}

}  // namespace
}  // namespace moebius::internal::golden
