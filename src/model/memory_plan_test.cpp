// Tests what the memory plan counts, and which options a model runs with.
#include <gtest/gtest.h>

#include "model/model.h"
#include "model/testing/tiny_families.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using namespace testing;

uint64_t bytes_of(const TinyTensors& tensors) {
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes.size();
  return bytes;
}

MemoryPlan plan_of(const TinyTensors& tensors, const Json& config, const ModelOptions& options) {
  testing::TemporaryDirectory directory;
  write_checkpoint(directory, config, tensors);
  return plan_memory(Checkpoint(directory.path()), options);
}

TEST(MemoryPlan, counts_weights_caches_and_state) {
  const TinyTensors tensors = tiny_tensors();
  const MemoryPlan plan = plan_of(tensors, tiny_config(), {.context = 100});
  EXPECT_EQ(plan.weight_bytes, bytes_of(tensors));
  // The keys and values of two layers in whole pages, then the RoPE table.
  EXPECT_EQ(plan.kv_bytes, 2u * 256 * 2 * 16 * 2 * 4 + 100 * 4 * 4);
  EXPECT_EQ(plan.recurrent_bytes, 2u * (4 * 8 * 16 + 3 * 96) * 4);
  EXPECT_EQ(plan.total(), plan.weight_bytes + plan.kv_bytes + plan.recurrent_bytes + plan.workspace_bytes);
}

TEST(MemoryPlan, a_model_of_full_attention_alone_has_no_recurrent_state) {
  const TinyFamily tiny = tiny_qwen3_moe();
  const MemoryPlan plan = plan_of(tiny.tensors, tiny.config, {.context = 100});
  EXPECT_EQ(plan.kv_bytes,
            4u * 256 * 2 * 16 * 2 * 4 + 100 * 16 * 4);  // four attention layers; RoPE rotates whole heads
  EXPECT_EQ(plan.recurrent_bytes, 0u);
}

TEST(MemoryPlan, a_model_of_linear_attention_alone_has_no_keys_and_values) {
  Json config = tiny_config();
  config["layer_types"] = Json(4, "linear_attention");
  const MemoryPlan plan = plan_of(tiny_tensors(), config, {.context = 100});
  EXPECT_EQ(plan.kv_bytes, 100u * 4 * 4);  // the RoPE table
  EXPECT_EQ(plan.recurrent_bytes, 4u * (4 * 8 * 16 + 3 * 96) * 4);
}

TEST(MemoryPlan, the_workspace_holds_the_hidden_values_of_dense_mlps) {
  TinyFamily tiny = tiny_qwen3_5();
  const MemoryPlan narrow = plan_of(tiny.tensors, tiny.config, {.max_rows = 16});
  tiny.config["intermediate_size"] = 96 + 1000;
  EXPECT_GE(plan_of(tiny.tensors, tiny.config, {.max_rows = 16}).workspace_bytes,
            narrow.workspace_bytes + 16u * 2 * 1000 * 4);
}

TEST(MemoryPlan, half_precision_halves_keys_and_values) {
  const MemoryPlan plan = plan_of(tiny_tensors(), tiny_config(), {.context = 100, .kv_dtype = DType::kF16});
  EXPECT_EQ(plan.kv_bytes, 2u * 256 * 2 * 16 * 2 * 2 + 100 * 4 * 4);
}

TEST(MemoryPlan, what_is_not_loaded_does_not_count) {
  TinyTensors tensors = tiny_tensors();
  const uint64_t head_bytes = tensors.at("lm_head.weight").bytes.size();
  const uint64_t all_bytes = bytes_of(tensors);
  tensors["mtp.fc.weight"] = made_up("mtp.fc.weight", {64, 128}, DType::kBF16, 0.1f);
  EXPECT_EQ(plan_of(tensors, tiny_config(), {}).weight_bytes, all_bytes);
  Json tied = tiny_config();
  tied["tie_word_embeddings"] = true;
  EXPECT_EQ(plan_of(tensors, tied, {}).weight_bytes, all_bytes - head_bytes);
}

TEST(MemoryPlan, a_draft_head_that_is_asked_for_counts_with_its_caches) {
  TinyTensors tensors = tiny_tensors();
  const MemoryPlan without = plan_of(tensors, tiny_config(), {.context = 100});
  tensors["mtp.fc.weight"] = made_up("mtp.fc.weight", {64, 128}, DType::kBF16, 0.1f);
  const MemoryPlan with = plan_of(tensors, tiny_config(), {.context = 100, .mtp = std::string(kBundledMtp)});
  EXPECT_EQ(with.weight_bytes, without.weight_bytes + 64 * 128 * 2);
  EXPECT_EQ(with.kv_bytes, without.kv_bytes + 256 * 2 * 16 * 2 * 4);
}

TEST(MemoryPlan, draft_rows_cost_another_state_and_their_records) {
  const MemoryPlan plain = plan_of(tiny_tensors(), tiny_config(), {});
  const MemoryPlan drafting = plan_of(tiny_tensors(), tiny_config(), {.draft_rows = 4});
  const uint64_t row = 96 + 16 + 4 * (16 + 1);  // inputs of the convolution, k, d and decay
  EXPECT_EQ(drafting.recurrent_bytes, plain.recurrent_bytes + 2u * (4 * 8 * 16 + 4 * row) * 4);
}

TEST(MemoryPlan, the_workspace_grows_with_the_rows_of_a_step) {
  const MemoryPlan small = plan_of(tiny_tensors(), tiny_config(), {.max_rows = 16});
  const MemoryPlan large = plan_of(tiny_tensors(), tiny_config(), {.max_rows = 512});
  EXPECT_GT(large.workspace_bytes, 8 * small.workspace_bytes);
}

TEST(MemoryPlan, the_context_ends_where_the_model_ends) {
  const ModelConfig config = parse_model_config(tiny_config(), "config.json");
  EXPECT_EQ(effective_options(config, {.context = 1 << 20}).context, 256);
  EXPECT_EQ(effective_options(config, {.context = 100}).context, 100);
  EXPECT_EQ(make_state_spec(config, {.context = 1 << 20}).context, 256);
}

TEST(MemoryPlan, options_that_cannot_be_are_usage_errors) {
  const ModelConfig config = parse_model_config(tiny_config(), "config.json");
  EXPECT_THROW(effective_options(config, {.context = 0}), Error);
  EXPECT_THROW(effective_options(config, {.max_rows = 0}), Error);
  EXPECT_THROW(effective_options(config, {.draft_rows = -1}), Error);
  EXPECT_THROW(effective_options(config, {.draft_rows = 65}), Error);
  EXPECT_THROW(effective_options(config, {.max_rows = 8, .draft_rows = 9}), Error);
}

}  // namespace
}  // namespace moebius::internal
