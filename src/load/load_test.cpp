// Tests loading, the memory check before it, and the words of options and backends.
#include "load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/cpu/cpu.h"
#include "base/checked.h"
#include "base/testing/expect_error.h"
#include "load/option_words.h"
#include "load/options.h"
#include "model/stepper.h"
#include "model/testing/tiny_checkpoint.h"
#include "moebius/error.h"
#include "moebius/limits.h"

namespace moebius::internal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr uint64_t kGigabyte = 1'000'000'000;

const MemoryPlan kPlan{.weight_bytes = 15 * kGigabyte,
                       .kv_bytes = 4 * kGigabyte,
                       .recurrent_bytes = kGigabyte / 2,
                       .workspace_bytes = kGigabyte / 2};

TEST(CheckMemory, accepts_what_fits_and_what_nobody_knows) {
  EXPECT_NO_THROW(check_memory(kPlan, 4000, 20 * kGigabyte));
  EXPECT_NO_THROW(check_memory(kPlan, 4000, std::nullopt));
}

TEST(CheckMemory, says_need_have_and_the_context_that_would_fit) {
  try {
    check_memory(kPlan, 4000, 18 * kGigabyte);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("need 20.00 GB"), HasSubstr("weights 15.00 GB"), HasSubstr("have 18.00 GB")));
    EXPECT_THAT(error.hint(), HasSubstr("a context of 2048 tokens would fit"));
  }
}

TEST(CheckMemory, the_context_it_names_fits_and_one_more_does_not) {
  const uint64_t available = 17'123'456'789;
  int64_t named = 0;
  try {
    check_memory(kPlan, 4000, available);
  } catch (const Error& error) {
    named = std::stoll(error.hint().substr(std::string("a context of ").size()));
  }
  ASSERT_GT(named, 0);
  const auto plan_of = [](int64_t context) {
    MemoryPlan plan = kPlan;
    plan.kv_bytes = plan.kv_bytes / 16 * static_cast<uint64_t>(div_up(context, kPagePositions));
    return plan;
  };
  EXPECT_NO_THROW(check_memory(plan_of(named), named, available));
  EXPECT_THROW(check_memory(plan_of(named + 1), named + 1, available), Error);
}

TEST(CheckMemory, says_so_when_no_context_fits) {
  try {
    check_memory(kPlan, 4000, 12 * kGigabyte);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), HasSubstr("no context fits"));
  }
}

class Load : public ::testing::Test {
 protected:
  Load() { write_checkpoint(directory_, testing::tiny_config(), testing::tiny_tensors()); }

  static LoadOptions options_of(BackendKind backend) {
    EngineOptions options;
    options.compute.backend = backend;
    options.compute.threads = 1;
    return load_options(options);
  }
  static std::vector<float> logits(const LoadedModel& loaded) {
    return Stepper(*loaded.model, *loaded.backend).append(std::vector<int32_t>{3, 1, 4, 1, 5});
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(Load, one_open_checkpoint_serves_several_loads) {
  const Checkpoint checkpoint(directory_.path());
  const LoadedModel reference = load_on_backend(checkpoint, options_of(BackendKind::kReference));
  EXPECT_EQ(reference.model->config().dim, checkpoint.config.dim);
  EXPECT_EQ(reference.model->options().context, checkpoint.config.max_positions);
  EXPECT_EQ(logits(load_on_backend(checkpoint, options_of(BackendKind::kCpu))), logits(reference));
}

class ResolvedOptions : public Load {
 protected:
  // Returns the context of a load with this much memory beside the weights and all else but keys and values.
  int64_t context_with(int64_t context, std::optional<uint64_t> left_bytes) {
    const Checkpoint checkpoint(directory_.path());
    const MemoryPlan plan = plan_memory(checkpoint, {.context = 1});
    if (left_bytes) *left_bytes += plan.total() - plan.kv_bytes;
    return resolved_options(checkpoint, {.context = context}, left_bytes).context;
  }
  // Writes a config whose model has so many positions.
  void give_positions(int64_t positions) {
    Json config = testing::tiny_config();
    config["max_position_embeddings"] = positions;
    directory_.write("config.json", config.dump());
  }

  // Of a page: keys and values of two layers, and the RoPE table.
  static constexpr uint64_t kPageBytes = 256 * (2 * 2 * 16 * 2 * 4 + 4 * 4);
};

TEST_F(ResolvedOptions, the_context_is_the_model_s_own_when_it_is_short) {
  EXPECT_EQ(context_with(0, std::nullopt), 256);
  EXPECT_EQ(context_with(0, kGigabyte), 256);
  EXPECT_EQ(context_with(1 << 20, kGigabyte), 256);
}

TEST_F(ResolvedOptions, a_long_context_has_to_be_asked_for) {
  give_positions(1 << 20);
  EXPECT_EQ(context_with(0, std::nullopt), kDefaultContext);
  EXPECT_EQ(context_with(0, kGigabyte), kDefaultContext);
  EXPECT_EQ(context_with(1 << 20, kGigabyte), 1 << 20);
}

TEST_F(ResolvedOptions, the_context_that_nobody_asked_for_takes_half_of_the_memory_that_is_left) {
  give_positions(1 << 20);
  EXPECT_EQ(context_with(0, 2 * 20 * kPageBytes), 20 * kPagePositions);
  EXPECT_EQ(context_with(0, 2 * 20 * kPageBytes - 1), 19 * kPagePositions);
  EXPECT_EQ(context_with(300, 0), 300) << "what is asked for is checked, not changed";
}

TEST_F(ResolvedOptions, without_memory_one_page_is_left_for_the_check_to_refuse) {
  give_positions(1 << 20);
  EXPECT_EQ(context_with(0, 0), kPagePositions);
  const Checkpoint checkpoint(directory_.path());
  const ModelOptions resolved = resolved_options(checkpoint, {.context = 0}, 0);
  testing::expect_error(ErrorCode::kUnavailable, "memory: need",
                        [&] { check_memory(plan_memory(checkpoint, resolved), resolved.context, 0); });
}

TEST_F(Load, operations_are_measured_when_asked_for) {
  const Checkpoint checkpoint(directory_.path());
  const LoadedModel plain = load_on_backend(checkpoint, options_of(BackendKind::kCpu));
  EXPECT_EQ(plain.meter, nullptr);
  LoadOptions options = options_of(BackendKind::kCpu);
  options.measure_ops = true;
  const LoadedModel measured = load_on_backend(checkpoint, options);
  ASSERT_NE(measured.meter, nullptr);
  EXPECT_EQ(logits(measured), logits(plain));
  EXPECT_THAT(measured.meter->operations().drain_totals(), Contains(Field(&OpTotals::op, "linear lm_head")));
  EXPECT_TRUE(measured.meter->operations().drain_totals().empty());
}

TEST_F(Load, reports_progress_to_the_end) {
  EngineOptions options;
  options.compute.backend = BackendKind::kReference;
  uint64_t last = 0, total = 0;
  options.progress = [&](uint64_t bytes_done, uint64_t bytes_total) {
    last = bytes_done;
    total = bytes_total;
  };
  load_on_backend(Checkpoint(directory_.path()), load_options(options));
  EXPECT_GT(total, 0u);
  EXPECT_EQ(last, total);
}

TEST(OptionWords, are_read_as_they_are_written) {
  for (const OptionWord<BackendKind>& one : option_words<BackendKind>()) {
    EXPECT_EQ(parse_word<BackendKind>("backend", word(one.value)), one.value);
  }
  for (const OptionWord<ExpertPath>& one : option_words<ExpertPath>()) {
    EXPECT_EQ(parse_word<ExpertPath>("experts", word(one.value)), one.value);
  }
  for (const OptionWord<InstructionSet>& one : option_words<InstructionSet>()) {
    EXPECT_EQ(word(one.value), name(one.value));
  }
  EXPECT_EQ(option_texts<ActivationKind>(), (std::vector<std::string>{"int8", "f32"}));
  EXPECT_EQ(option_texts<KvType>(), (std::vector<std::string>{"f32", "f16"}));
  EXPECT_EQ(option_texts<PackedUse>(), (std::vector<std::string>{"off", "auto", "make"}));
}

TEST(OptionWords, that_mean_nothing_are_refused_with_those_that_do) {
  for (const char* text : {"", "Fused", "fuse", "fused ", "both"}) {
    testing::expect_error(ErrorCode::kUsage, "experts: expected one of unfused, concat, fused",
                          [&] { parse_word<ExpertPath>("experts", text); });
  }
}

TEST(Options, engine_options_become_those_of_the_layers_below) {
  EngineOptions options;
  options.compute = {
      .backend = BackendKind::kReference, .experts = ExpertPath::kConcat, .activations = ActivationKind::kF32};
  options.cache.kv = KvType::kF16;
  options.limits.context = 77;
  options.limits.max_rows = 5;
  options.packed.verify = true;
  const LoadOptions load = load_options(options);
  EXPECT_EQ(load.model.experts, ExpertPath::kConcat);
  EXPECT_EQ(load.model.kv_dtype, DType::kF16);
  EXPECT_EQ(load.model.context, 77);
  EXPECT_EQ(load.model.max_rows, 5);
  EXPECT_EQ(load.model.draft_rows, 5);  // limited to max_rows
  EXPECT_EQ(load.compute.backend, BackendKind::kReference);
  EXPECT_EQ(load.compute.activations, ActivationKind::kF32);
  EXPECT_TRUE(load.packed.options.verify);
}

TEST(Options, a_draft_head_is_none_the_model_s_own_or_that_of_a_directory) {
  EngineOptions options;
  options.drafts.head = DraftHeadUse::kNone;
  EXPECT_EQ(model_options(options).mtp, "");
  options.drafts.head = DraftHeadUse::kBundled;
  EXPECT_EQ(model_options(options).mtp, kBundledMtp);
  options.drafts.head = DraftHeadUse::kDirectory;
  testing::expect_error(ErrorCode::kUsage, "head_directory", [&] { model_options(options); });
  options.drafts.head_directory = "HEAD";
  EXPECT_EQ(model_options(options).mtp, "HEAD");
}

struct BadBackend {
  const char* what;
  ComputeOptions options;
};

TEST(MakeBackend, refuses_what_it_cannot_be) {
  const BadBackend cases[] = {{"negative threads", {.threads = -1}},
                              {"too many threads", {.threads = kMaxThreads + 1}},
                              {"f32 activations on the cpu", {.activations = ActivationKind::kF32}},
                              {"no backend", {.backend = static_cast<BackendKind>(99)}}};
  for (const BadBackend& test : cases) {
    try {
      make_backend(test.options);
      ADD_FAILURE() << test.what << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << test.what;
    }
  }
}

TEST(MakeBackend, takes_every_instruction_set_that_the_machine_has_and_no_other) {
  const std::vector<InstructionSet> present = machine_instruction_sets();
  EXPECT_EQ(present.front(), InstructionSet::kPortable);
  for (const OptionWord<InstructionSet>& isa : option_words<InstructionSet>()) {
    const ComputeOptions options = {.instruction_set = isa.value, .threads = 1};
    if (std::ranges::find(present, isa.value) != present.end()) {
      EXPECT_NE(make_backend(options), nullptr) << isa.text;
    } else {
      testing::expect_error(ErrorCode::kUnavailable, std::string(isa.text), [&] { make_backend(options); });
    }
  }
}

TEST(MakeBackend, knows_every_backend_that_has_a_word) {
  for (const OptionWord<BackendKind>& backend : option_words<BackendKind>()) {
    EXPECT_NE(make_backend({.backend = backend.value}), nullptr) << backend.text;
  }
}

}  // namespace
}  // namespace moebius::internal
