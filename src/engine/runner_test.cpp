// The public interface: what it checks, how it cuts prompts, what it says of logits that are not numbers.
#include "engine/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/testing/tiny_checkpoint.h"

namespace moebius {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;

const std::vector<int32_t> kPrompt = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

EngineOptions reference() {
  EngineOptions options;
  options.backend = "reference";
  return options;
}

class EngineTest : public ::testing::Test {
 protected:
  Runner load(const EngineOptions& options = reference(), const TinyTensors& tensors = tiny_tensors()) {
    write_checkpoint(directory_, tiny_config(), tensors);
    return Runner::load(directory_.path().string(), options);
  }

  testing::TemporaryDirectory directory_;
};

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

TEST_F(EngineTest, append_gives_the_last_row_of_append_all) {
  Runner engine = load();
  const std::vector<float> all = engine.start().append_all(kPrompt);
  ASSERT_EQ(all.size(), kPrompt.size() * 40);
  EXPECT_EQ(engine.start().append(kPrompt), std::vector<float>(all.end() - 40, all.end()));
}

EngineOptions with_drafts() {
  EngineOptions options = reference();
  options.draft_rows = 4;
  return options;
}

TEST_F(EngineTest, keep_goes_back_to_the_tokens_that_stay) {
  Runner engine = load(with_drafts());
  Sequence sequence = engine.start();
  sequence.append({3, 1});
  sequence.draft({4, 1, 7, 7});
  EXPECT_EQ(sequence.position(), 6);
  sequence.keep(2);
  EXPECT_EQ(sequence.position(), 4);
  EXPECT_EQ(sequence.append({5}), engine.start().append({3, 1, 4, 1, 5}));
}

TEST_F(EngineTest, drafts_are_refused_with_the_reason) {
  Runner engine = load(with_drafts());
  Sequence sequence = engine.start();
  EXPECT_EQ(code_of([&] { sequence.keep(0); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { sequence.draft({1, 2, 3, 4, 5}); }), ErrorCode::kUsage);
  sequence.draft({1, 2});
  EXPECT_EQ(code_of([&] { sequence.append({1}); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { sequence.keep(3); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { sequence.keep(-1); }), ErrorCode::kUsage);
  sequence.keep(0);
  EXPECT_EQ(sequence.position(), 0);
}

TEST_F(EngineTest, draft_rows_have_a_limit) {
  EngineOptions options = reference();
  options.draft_rows = 65;
  EXPECT_EQ(code_of([&] { load(options); }), ErrorCode::kUsage);
}

TEST_F(EngineTest, long_prompts_are_cut_into_steps) {
  EngineOptions options = reference();
  options.max_rows = 4;
  write_checkpoint(directory_, tiny_config(), tiny_tensors());
  Runner whole = Runner::load(directory_.path().string(), reference());
  Runner cut = Runner::load(directory_.path().string(), options);
  EXPECT_EQ(cut.start().append(kPrompt), whole.start().append(kPrompt));
  EXPECT_EQ(cut.start().append_all(kPrompt), whole.start().append_all(kPrompt));
}

TEST_F(EngineTest, more_rows_of_logits_than_one_step_gives) {
  Runner engine = load();
  const std::vector<int32_t> tokens(100, 7);
  const std::vector<float> all = engine.start().append_all(tokens);
  ASSERT_EQ(all.size(), tokens.size() * 40);
  EXPECT_EQ(engine.start().append(tokens), std::vector<float>(all.end() - 40, all.end()));
}

TEST_F(EngineTest, position_counts_the_tokens_seen) {
  Runner engine = load();
  Sequence sequence = engine.start();
  EXPECT_EQ(sequence.position(), 0);
  sequence.append({1, 2, 3});
  sequence.append({4});
  EXPECT_EQ(sequence.position(), 4);
}

TEST_F(EngineTest, sequences_of_one_engine_are_independent) {
  Runner engine = load();
  const std::vector<float> alone = engine.start().append({1, 2});
  Sequence first = engine.start();
  first.append({1});
  Sequence second = engine.start();
  second.append({9});
  EXPECT_EQ(first.append({2}), alone);
}

TEST_F(EngineTest, refuses_tokens_that_cannot_be_and_keeps_its_place) {
  EngineOptions options = reference();
  options.context = 4;
  Runner engine = load(options);
  Sequence sequence = engine.start();
  sequence.append({1, 2});
  const std::vector<std::vector<int32_t>> bad = {{}, {-1}, {40}, {1, 40}, {1, 2, 3}};
  for (const auto& tokens : bad) {
    EXPECT_EQ(code_of([&] { sequence.append(tokens); }), ErrorCode::kUsage);
    EXPECT_EQ(code_of([&] { sequence.append_all(tokens); }), ErrorCode::kUsage);
    EXPECT_EQ(sequence.position(), 2);
  }
  EXPECT_EQ(sequence.append({3, 4}), engine.start().append({1, 2, 3, 4}));
}

TEST_F(EngineTest, options_that_cannot_be_are_refused_before_anything_is_read) {
  const auto with = [](const std::function<void(EngineOptions&)>& change) {
    EngineOptions options = reference();
    change(options);
    return code_of([&] { Runner::load("no such directory", options); });
  };
  EXPECT_EQ(with([](EngineOptions& o) { o.experts = "both"; }), ErrorCode::kUsage);
  EXPECT_EQ(with([](EngineOptions& o) { o.kv = "bf16"; }), ErrorCode::kUsage);
  EXPECT_EQ(with([](EngineOptions& o) { o.activations = "int4"; }), ErrorCode::kUsage);
  EXPECT_EQ(with([](EngineOptions&) {}), ErrorCode::kMissingInput);
}

TEST_F(EngineTest, reports_progress_to_the_end) {
  EngineOptions options = reference();
  uint64_t last = 0, total = 0;
  options.progress = [&](uint64_t bytes_done, uint64_t bytes_total) {
    last = bytes_done;
    total = bytes_total;
  };
  load(options);
  EXPECT_GT(total, 0u);
  EXPECT_EQ(last, total);
}

TEST_F(EngineTest, knows_its_vocabulary_and_its_stop_ids) {
  directory_.write("generation_config.json", R"({"eos_token_id": [9, 7]})");
  const Runner engine = load();
  EXPECT_EQ(engine.vocab(), 40);
  EXPECT_THAT(engine.stop_ids(), ElementsAre(7, 9));
}

TEST_F(EngineTest, counts_the_bytes_that_steps_moved_since_it_was_last_asked) {
  Runner engine = load();
  engine.start().append({1});
  const uint64_t once = engine.take_bytes_moved();
  EXPECT_GT(once, 0u);
  EXPECT_EQ(engine.take_bytes_moved(), 0u);
  engine.start().append({1});
  EXPECT_EQ(engine.take_bytes_moved(), once);
}

TEST_F(EngineTest, a_sequence_outlives_its_engine) {
  auto engine = std::make_unique<Runner>(load());
  const std::vector<float> expected = engine->start().append({1});
  Sequence sequence = engine->start();
  engine.reset();
  EXPECT_EQ(sequence.append({1}), expected);
}

TEST(Argmax, is_the_lowest_id_among_the_largest) {
  EXPECT_EQ(Runner::argmax(std::vector<float>{0, 3, 3, 1}), 1);
  EXPECT_EQ(Runner::argmax(std::vector<float>{-5}), 0);
}

TEST(Argmax, passes_over_what_is_not_a_number) {
  EXPECT_EQ(Runner::argmax(std::vector<float>{kNan, -1, kNan, 2, kNan}), 3);
  EXPECT_EQ(code_of([] { Runner::argmax(std::vector<float>{kNan, kNan}); }), ErrorCode::kNonFinite);
  EXPECT_EQ(code_of([] { Runner::argmax({}); }), ErrorCode::kNonFinite);
}

// ---- logits that are not finite

struct Broken {
  std::string tensor;
  int64_t element;
  float value;
  std::string place;
};

class NonFinite : public EngineTest, public ::testing::WithParamInterface<Broken> {};

TEST_P(NonFinite, names_the_first_layer_that_broke) {
  TinyTensors tensors = tiny_tensors(DType::kF32);
  store_f32(tensors.at(GetParam().tensor).bytes.data(), DType::kF32, GetParam().element, GetParam().value);
  EngineOptions options = reference();
  options.max_rows = 4;  // the replay takes several steps
  Runner engine = load(options, tensors);
  Sequence sequence = engine.start();
  try {
    sequence.append(kPrompt);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().place));
    EXPECT_THAT(error.what(), HasSubstr(directory_.path().string()));
  }
  EXPECT_EQ(sequence.position(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Runner, NonFinite,
    ::testing::Values(
        Broken{"model.layers.2.linear_attn.out_proj.weight", 0, kInfinity, "layer 2 (linear attention), token 0"},
        Broken{"model.layers.3.self_attn.o_proj.weight", 64, kNan, "layer 3 (full attention), token 0"},
        Broken{"model.layers.1.mlp.shared_expert.down_proj.weight", 5, kNan, "layer 1 (full attention), token 0"},
        // Row 8 of the embedding: the first 8 of the prompt stands at position 11.
        Broken{"model.embed_tokens.weight", 8 * 64, kNan, "layer 0 (linear attention), token 11"},
        Broken{"lm_head.weight", 3 * 64, kNan, "the final norm or the head"}));

TEST_F(EngineTest, a_sequence_starts_again_after_it_broke) {
  TinyTensors tensors = tiny_tensors(DType::kF32);
  store_f32(tensors.at("model.embed_tokens.weight").bytes.data(), DType::kF32, 8 * 64, kNan);
  Runner engine = load(reference(), tensors);
  Sequence sequence = engine.start();
  EXPECT_EQ(code_of([&] { sequence.append({1, 8}); }), ErrorCode::kNonFinite);
  EXPECT_EQ(sequence.append({1, 2}), engine.start().append({1, 2}));
}

}  // namespace
}  // namespace moebius
