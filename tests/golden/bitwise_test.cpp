// Promise 2 on whole models: the logits of a token have the same bits on every instruction set and in the reference
// backend, for any cut of the prompt, any number of threads and any expert path. Single operations are tested in
// src/backend/parity/parity_test.cpp, several sequences in one step in batches_change_nothing_test.cpp.
#include <gtest/gtest.h>

#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kChunks[] = {64, 16, 7, 1};
// Lengths of prompts that run in one step of up to 512 rows. append_all() takes no such steps, because it needs all
// logits and a step yields at most 64 rows of them.
constexpr size_t kPrompts[] = {2, 17, 65, 100, 150, 300};

std::vector<float> reference_logits(const std::string& checkpoint, std::span<const int32_t> tokens) {
  return run(load(checkpoint, on(kReference)), tokens);
}

void expect_same_in_chunks(const LoadedModel& loaded, std::span<const int32_t> tokens, std::span<const float> expected,
                           std::span<const int64_t> chunks = kChunks) {
  for (const int64_t chunk : chunks) {
    SCOPED_TRACE(::testing::Message() << "chunks of " << chunk);
    EXPECT_EQ(first_difference(run(loaded, tokens, chunk), expected, loaded.model->config().vocab), "");
  }
}

void expect_same_prompts(const LoadedModel& loaded, std::span<const int32_t> tokens, std::span<const float> expected) {
  const auto vocab = static_cast<size_t>(loaded.model->config().vocab);
  for (const size_t length : kPrompts) {
    if (length > tokens.size()) break;
    SCOPED_TRACE(::testing::Message() << "a prompt of " << length);
    const std::vector<float> last = Stepper(*loaded.model, *loaded.backend).append(tokens.first(length));
    EXPECT_EQ(first_difference(last, expected.subspan((length - 1) * vocab, vocab), loaded.model->config().vocab), "");
  }
}

class EveryCheckpoint : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryCheckpoint, reference_is_the_same_however_the_prompt_is_cut) {
  const std::vector<int32_t> tokens = read_expected(GetParam()).tokens;
  const LoadedModel loaded = load(GetParam(), on(kReference));
  const std::vector<float> expected = run(loaded, tokens);
  expect_same_in_chunks(loaded, tokens, expected);
  expect_same_prompts(loaded, tokens, expected);
}

// A stepper cuts its tokens into steps of max_rows.
TEST_P(EveryCheckpoint, cpu_is_the_same_in_steps_of16_rows) {
  const std::vector<int32_t> tokens = read_expected(GetParam()).tokens;
  const std::vector<float> expected = reference_logits(GetParam(), tokens);
  EngineOptions options;
  options.limits.max_rows = 16;
  const LoadedModel loaded = load(GetParam(), options);
  EXPECT_EQ(first_difference(run(loaded, tokens), expected, loaded.model->config().vocab), "");
  expect_same_prompts(loaded, tokens, expected);
}

INSTANTIATE_TEST_SUITE_P(Golden, EveryCheckpoint, ::testing::ValuesIn(all_checkpoints()),
                         [](const auto& test) { return test.param; });

// ---- instruction sets -----------------------------------------------------------------------------------------------

class EveryIsa : public ::testing::TestWithParam<OnBackend> {};

// What ships, the fused path on all threads, goes through every chunking. The other combinations of threads and paths
// take one chunking each, and every chunking has its turn. The whole product would be 24 passes over the text, and this
// is 9.
TEST_P(EveryIsa, is_the_reference_in_any_chunks_on_any_threads_by_any_expert_path) {
  if (!runs_here(GetParam().compute)) GTEST_SKIP() << "NOT TESTED: this machine has no " << name_of(GetParam().compute);
  const std::vector<int32_t> tokens = read_expected(GetParam().checkpoint).tokens;
  const std::vector<float> expected = reference_logits(GetParam().checkpoint, tokens);
  size_t turn = 0;
  for (const int threads : {1, 2}) {
    for (const OptionWord<ExpertPath>& experts : option_words<ExpertPath>()) {
      SCOPED_TRACE(::testing::Message() << threads << " threads, experts " << experts.text);
      EngineOptions options = on(GetParam().compute);
      options.compute.threads = threads;
      options.compute.experts = experts.value;
      const LoadedModel loaded = load(GetParam().checkpoint, options);
      if (threads == 2 && experts.value == ExpertPath::kFused) {
        expect_same_in_chunks(loaded, tokens, expected);
        expect_same_prompts(loaded, tokens, expected);
      } else {
        expect_same_in_chunks(loaded, tokens, expected, {&kChunks[turn++ % std::size(kChunks)], 1});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, EveryIsa, ::testing::ValuesIn(on_each(every_cpu())),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

// ---- forms on disk --------------------------------------------------------------------------------------------------

struct Form {
  std::string name;
  std::string base;
};

void PrintTo(const Form& value, std::ostream* out) { *out << value.name; }

class EveryForm : public ::testing::TestWithParam<Form> {};

TEST_P(EveryForm, holds_the_same_model) {
  const std::vector<int32_t> tokens = read_expected(GetParam().base).tokens;
  const std::vector<float> expected = reference_logits(GetParam().base, tokens);
  for (const ComputeOptions& compute : {kReference, kCpu}) {
    SCOPED_TRACE(name_of(compute));
    const LoadedModel loaded = load(GetParam().name, on(compute));
    EXPECT_EQ(first_difference(run(loaded, tokens), expected, loaded.model->config().vocab), "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, EveryForm,
    ::testing::Values(Form{"forms_mixed", "forms"}, Form{"forms_wrapper", "forms"}, Form{"forms_saved", "forms"},
                      Form{"forms_mlx", "forms"}, Form{"qwen3_next_forms_fused", "qwen3_next_forms"},
                      Form{"qwen3_next_forms_flat", "qwen3_next_forms"},
                      Form{"qwen3_next_forms_saved", "qwen3_next_forms"},
                      Form{"qwen3_next_forms_mlx", "qwen3_next_forms"},
                      Form{"qwen3_moe_forms_fused", "qwen3_moe_forms"},
                      Form{"qwen3_moe_forms_saved", "qwen3_moe_forms"}, Form{"qwen3_moe_forms_mlx", "qwen3_moe_forms"},
                      Form{"qwen3_5_forms_wrapper", "qwen3_5_forms"}, Form{"qwen3_5_forms_saved", "qwen3_5_forms"},
                      Form{"qwen3_5_forms_mlx", "qwen3_5_forms"}, Form{"mtp_qwen3_5_moe_mlx", "mtp_qwen3_5_moe"},
                      Form{"q3_g64_per_expert", "q3_g64"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace moebius::internal::golden
