// Tests the forward pass in every family: what a step may contain, and that results do not depend on it. The backend is
// the reference where the choice does not matter. tests/golden compares the numbers with other implementations.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "backend/cpu/cpu.h"
#include "model/model.h"
#include "model/stepper.h"
#include "model/testing/tiny_families.h"
#include "model/testing/tiny_model.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using namespace testing;

using Rows = std::vector<float>;

// A tiny model with functions that run it.
class TinyRuns : public TinyModel {
 public:
  using TinyModel::TinyModel;
  explicit TinyRuns(const TinyFamily& family, std::unique_ptr<Backend> backend = make_reference_backend())
      : TinyModel(family.config, family.tensors, {}, std::move(backend)) {}

  State start() { return backend().memory().create_state(model().state_spec()); }
  Rows host(Tensor tensor) {
    Rows values(static_cast<size_t>(tensor.rows * tensor.cols));
    if (!values.empty()) backend().memory().read(values.data(), tensor);
    return values;
  }
  Tensor forward(const BatchSpec& spec) { return model().forward(backend().operations().stage(spec)); }
  // Runs one step of one or several sequences. Returns the logits of all rows.
  Rows step(const std::vector<int32_t>& tokens, const std::vector<SequenceRows>& sequences) {
    std::vector<int32_t> all(tokens.size());
    std::iota(all.begin(), all.end(), 0);
    return host(forward({tokens, sequences, all}));
  }
  // Runs a fresh sequence in chunks. Returns the logits of all rows.
  Rows run(std::span<const int32_t> tokens, size_t chunk) {
    Stepper stepper(model(), backend());
    Rows logits;
    for (size_t first = 0; first < tokens.size(); first += chunk) {
      const Rows rows = stepper.append_all(tokens.subspan(first, std::min(chunk, tokens.size() - first)));
      logits.insert(logits.end(), rows.begin(), rows.end());
    }
    return logits;
  }
  // Returns the residual after each layer, in the order in which the observer was called.
  std::vector<std::pair<int64_t, Rows>> trace(std::span<const int32_t> tokens) {
    std::vector<std::pair<int64_t, Rows>> seen;
    Stepper(model(), backend()).step(tokens, {}, [&](int64_t layer, Tensor residual) {
      seen.emplace_back(layer, host(residual));
    });
    return seen;
  }
};

std::unique_ptr<Backend> best_cpu() { return make_cpu_backend({.isa = available_isas().back(), .threads = 2}); }

const std::vector<int32_t> kPrompt = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 32, 38, 4, 6};

Rows slice(const Rows& rows, size_t first, size_t count, size_t cols = 40) {
  return {rows.begin() + first * cols, rows.begin() + (first + count) * cols};
}

TEST(Forward, a_chunked_prompt_gives_the_logits_of_the_whole) {
  TinyRuns tiny;
  const Rows whole = tiny.run(kPrompt, kPrompt.size());
  for (const size_t chunk : {1, 2, 7, 16}) EXPECT_EQ(tiny.run(kPrompt, chunk), whole) << chunk;
}

TEST(Forward, sequences_of_one_batch_do_not_see_each_other) {
  TinyRuns tiny;
  const std::vector<int32_t> other = {11, 12, 13, 14, 15};
  const Rows alone = tiny.run(kPrompt, 64);
  const Rows other_alone = tiny.run(other, 64);
  std::vector<int32_t> tokens = other;
  tokens.insert(tokens.end(), kPrompt.begin(), kPrompt.end());
  const Rows together = tiny.step(tokens, {{tiny.start(), 0, 5, 0}, {tiny.start(), 5, 19, 0}});
  EXPECT_EQ(slice(together, 0, 5), other_alone);
  EXPECT_EQ(slice(together, 5, 19), alone);
}

TEST(Forward, one_sequence_may_decode_while_another_reads_its_prompt) {
  TinyRuns tiny;
  const Rows alone = tiny.run(kPrompt, 64);
  const State decoding = tiny.start();
  tiny.step({kPrompt.begin(), kPrompt.begin() + 10}, {{decoding, 0, 10, 0}});
  const std::vector<int32_t> tokens = {kPrompt[10], kPrompt[0], kPrompt[1], kPrompt[2]};
  const Rows together = tiny.step(tokens, {{decoding, 0, 1, 10}, {tiny.start(), 1, 3, 0}});
  EXPECT_EQ(slice(together, 0, 1), slice(alone, 10, 1));
  EXPECT_EQ(slice(together, 1, 3), slice(alone, 0, 3));
}

TEST(Forward, logits_come_for_the_wanted_rows_only) {
  TinyRuns tiny;
  const Rows all = tiny.run(kPrompt, 64);
  const SequenceRows sequence{tiny.start(), 0, 19, 0};
  const std::vector<int32_t> wanted = {2, 18};
  const Tensor logits = tiny.forward({kPrompt, {&sequence, 1}, wanted});
  ASSERT_EQ(logits.rows, 2);
  ASSERT_EQ(logits.cols, 40);
  const Rows rows = tiny.host(logits);
  EXPECT_EQ(slice(rows, 0, 1), slice(all, 2, 1));
  EXPECT_EQ(slice(rows, 1, 1), slice(all, 18, 1));
}

TEST(Forward, a_step_without_logit_rows_still_moves_the_state) {
  TinyRuns tiny;
  const Rows all = tiny.run(kPrompt, 64);
  Stepper stepper(tiny.model(), tiny.backend());
  EXPECT_TRUE(stepper.step(std::span(kPrompt).first(18), {}).empty());
  EXPECT_EQ(stepper.append({{kPrompt.back()}}), slice(all, 18, 1));
}

TEST(Forward, a_reset_state_is_a_fresh_one) {
  TinyRuns tiny;
  const State state = tiny.start();
  const Rows first = tiny.step(kPrompt, {{state, 0, 19, 0}});
  tiny.backend().memory().reset_state(state);
  EXPECT_EQ(tiny.step(kPrompt, {{state, 0, 19, 0}}), first);
}

TEST(Forward, the_observer_sees_each_layer_once_in_order) {
  TinyRuns tiny;
  const auto seen = tiny.trace(kPrompt);
  ASSERT_EQ(seen.size(), 4u);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen[static_cast<size_t>(i)].first, i);
    EXPECT_EQ(seen[static_cast<size_t>(i)].second.size(), kPrompt.size() * 64);
  }
}

// The residual that an observer sees includes the output of the layer's experts.
TEST(Forward, the_residual_after_a_layer_is_that_of_a_model_that_ends_there) {
  const auto whole = TinyRuns().trace(kPrompt);
  for (size_t layers = 1; layers < 4; ++layers) {
    Json config = tiny_config();
    config["num_hidden_layers"] = layers;
    TinyTensors tensors = tiny_tensors();
    std::erase_if(tensors, [&](const auto& item) {
      for (size_t i = layers; i < 4; ++i) {
        if (item.first.starts_with("model.layers." + std::to_string(i) + ".")) return true;
      }
      return false;
    });
    EXPECT_EQ(TinyRuns(config, tensors).trace(kPrompt).back().second, whole[layers - 1].second) << layers;
  }
}

TEST(Forward, watching_does_not_change_the_logits) {
  TinyRuns tiny;
  const Rows all = tiny.run(kPrompt, 64);
  Stepper watched(tiny.model(), tiny.backend());
  const Rows last = watched.step(kPrompt, {.first = 18, .count = 1}, [](int64_t, Tensor) {});
  EXPECT_EQ(last, slice(all, 18, 1));
}

TEST(Forward, the_three_expert_paths_give_the_same_bits) {
  TinyRuns tiny;
  const Rows fused = tiny.run(kPrompt, 64);
  for (const ExpertPath path : {ExpertPath::kConcat, ExpertPath::kUnfused}) {
    tiny.model().set_expert_path(path);
    EXPECT_EQ(tiny.run(kPrompt, 64), fused);
  }
}

TEST(Forward, a_tied_head_is_the_embedding) {
  Json config = tiny_config();
  config["tie_word_embeddings"] = true;
  TinyTensors tensors = tiny_tensors();
  tensors.at("lm_head.weight") = tensors.at("model.embed_tokens.weight");
  const Rows untied = TinyRuns(tiny_config(), tensors).run(kPrompt, 64);
  tensors.erase("lm_head.weight");
  EXPECT_EQ(TinyRuns(config, tensors).run(kPrompt, 64), untied);
}

TEST(Forward, expert_forms_and_conventions_do_not_change_a_logit) {
  const TinyTensors raw = tiny_tensors(DType::kF32);
  TinyTensors converted = raw;
  for (auto& [name, tensor] : converted) {
    if (name.ends_with("conv1d.weight")) tensor.shape = {96, 4, 1};
    if (!name.ends_with("norm.weight") || name.ends_with("linear_attn.norm.weight")) continue;
    for (int64_t i = 0; i < tensor.shape[0]; ++i) {
      store_f32(tensor.bytes.data(), DType::kF32, i, 1.0f + load_f32(tensor.bytes.data(), DType::kF32, i));
    }
  }
  for (int i = 0; i < 4; ++i) {
    split_experts(converted, "model.layers." + std::to_string(i) + ".mlp");
    stack_experts(converted, "model.layers." + std::to_string(i) + ".mlp");
  }
  EXPECT_EQ(TinyRuns(tiny_config(), converted).run(kPrompt, 64), TinyRuns(tiny_config(), raw).run(kPrompt, 64));
}

TEST(Forward, no_family_depends_on_how_the_prompt_is_cut_or_what_shares_its_batch) {
  for (const TinyFamily& family : tiny_families()) {
    SCOPED_TRACE(family.name);
    TinyRuns tiny(family);
    const Rows whole = tiny.run(kPrompt, kPrompt.size());
    for (const size_t chunk : {1, 7}) EXPECT_EQ(tiny.run(kPrompt, chunk), whole) << chunk;
    std::vector<int32_t> tokens = {11, 12, 13};
    tokens.insert(tokens.end(), kPrompt.begin(), kPrompt.end());
    const Rows together = tiny.step(tokens, {{tiny.start(), 0, 3, 0}, {tiny.start(), 3, 19, 0}});
    EXPECT_EQ(slice(together, 3, 19), whole);
  }
}

TEST(Forward, the_cpu_gives_the_bits_of_the_reference_in_every_family_by_every_expert_path) {
  for (const TinyFamily& family : tiny_families()) {
    SCOPED_TRACE(family.name);
    const Rows expected = TinyRuns(family).run(kPrompt, 64);
    TinyRuns cpu(family, best_cpu());
    for (const ExpertPath path : {ExpertPath::kFused, ExpertPath::kConcat, ExpertPath::kUnfused}) {
      cpu.model().set_expert_path(path);
      EXPECT_EQ(cpu.run(kPrompt, 64), expected);
    }
  }
}

TEST(Forward, interleaved_and_flat_projections_give_the_same_logits) {
  TinyTensors interleaved = tiny_tensors();
  for (const int layer : {0, 2}) interleave_projections(interleaved, layer_path(layer) + ".linear_attn");
  EXPECT_EQ(TinyRuns(tiny_config(), interleaved).run(kPrompt, 64), TinyRuns().run(kPrompt, 64));
}

// A router with one expert gives it the weight exp(0) / exp(0), which is 1.
TEST(Forward, a_dense_mlp_is_an_expert_that_every_token_takes_whole) {
  TinyFamily dense = tiny_qwen3_moe();
  for (int i = 0; i < 4; ++i) make_dense(dense.tensors, layer_path(i) + ".mlp");
  TinyFamily routed = dense;
  dense.config["mlp_only_layers"] = {0, 1, 2, 3};
  routed.config.update({{"num_experts", 1}, {"num_experts_per_tok", 1}, {"moe_intermediate_size", 96}});
  for (int i = 0; i < 4; ++i) {
    const std::string mlp = layer_path(i) + ".mlp.";
    routed.tensors[mlp + "gate.weight"] = made_up(mlp + "gate.weight", {1, 64}, DType::kBF16, 0.5f);
    for (const char* projection : {"gate_proj.weight", "up_proj.weight", "down_proj.weight"}) {
      auto node = routed.tensors.extract(mlp + projection);
      node.key() = mlp + "experts.0." + projection;
      routed.tensors.insert(std::move(node));
    }
  }
  EXPECT_EQ(TinyRuns(dense).run(kPrompt, 64), TinyRuns(routed).run(kPrompt, 64));
}

TEST(Forward, a_dense_layer_among_layers_with_experts_changes_the_logits) {
  TinyFamily tiny = tiny_qwen3_moe();
  const Rows routed = TinyRuns(tiny).run(kPrompt, 64);
  tiny.config["mlp_only_layers"] = {2};
  make_dense(tiny.tensors, layer_path(2) + ".mlp");
  const Rows mixed = TinyRuns(tiny).run(kPrompt, 64);
  EXPECT_NE(mixed, routed);
  EXPECT_EQ(TinyRuns(tiny, best_cpu()).run(kPrompt, 7), mixed);
}

TEST(Forward, routed_weights_that_are_not_renormalized_give_other_logits) {
  TinyFamily tiny = tiny_qwen3_moe();
  const Rows renormalized = TinyRuns(tiny).run(kPrompt, 64);
  tiny.config["norm_topk_prob"] = false;
  const Rows plain = TinyRuns(tiny).run(kPrompt, 64);
  EXPECT_NE(plain, renormalized);
  tiny.config.erase("norm_topk_prob");
  EXPECT_EQ(TinyRuns(tiny).run(kPrompt, 64), plain);
}

TEST(Forward, the_moe_block_of_a_layer_treats_rows_alone) {
  TinyRuns tiny;
  const Tensor x = tiny.backend().memory().allocate(DType::kF32, 3, 64);
  Rows values(3 * 64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
  tiny.backend().memory().write(x, values.data());
  for (int64_t layer = 0; layer < 4; ++layer) {
    const Rows together = tiny.host(tiny.model().mlp_layer(layer, x));
    ASSERT_EQ(together.size(), values.size());
    const Rows first = tiny.host(tiny.model().mlp_layer(layer, x.first(1)));
    EXPECT_EQ(first, slice(together, 0, 1, 64));
  }
  EXPECT_NE(tiny.host(tiny.model().mlp_layer(0, x)), tiny.host(tiny.model().mlp_layer(1, x)));
}

void expect_contract(std::unique_ptr<Backend> backend) {
  TinyRuns tiny(tiny_config(), tiny_tensors(), {.context = 32, .max_rows = 8}, std::move(backend));
  const State state = tiny.start();
  const auto expect_refused = [&](const std::vector<int32_t>& tokens, const std::vector<SequenceRows>& sequences,
                                  const std::vector<int32_t>& logit_rows, const char* why) {
    EXPECT_THROW(tiny.forward({tokens, sequences, logit_rows}), Error) << why;
  };
  expect_refused({}, {}, {}, "no rows");
  expect_refused(std::vector<int32_t>(9, 1), {{state, 0, 9, 0}}, {}, "more rows than max_rows");
  expect_refused({1, 2}, {{state, 0, 1, 0}}, {}, "a row of no sequence");
  expect_refused({1, 2}, {{state, 1, 1, 0}}, {}, "a gap");
  expect_refused({1, 2}, {{state, 0, 2, 31}}, {}, "past the context");
  expect_refused({40}, {{state, 0, 1, 0}}, {}, "no such token");
  expect_refused({-1}, {{state, 0, 1, 0}}, {}, "no token at all");
  expect_refused({1}, {{state, 0, 1, 0}}, {1}, "no such row");
  expect_refused({1, 2}, {{state, 0, 2, 0}}, {1, 0}, "rows out of order");
  expect_refused({}, {{state, 0, 2, 0}}, {}, "rows without tokens");
  const SequenceRows one = {state, 0, 1, 0};
  const std::vector<int32_t> token = {1};
  const Batch stale = tiny.backend().operations().stage({token, {&one, 1}, {}});
  tiny.forward({token, {&one, 1}, {}});
  EXPECT_THROW(tiny.model().forward(stale), Error) << "a batch that was staged before another one";
}

TEST(Forward, steps_that_break_the_contract_are_refused) { expect_contract(make_reference_backend()); }
TEST(Forward, the_cpu_refuses_them_as_well) { expect_contract(best_cpu()); }

}  // namespace
}  // namespace moebius::internal
