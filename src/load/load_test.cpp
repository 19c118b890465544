// Loading, the memory check in front of it, and the words of options and backends.
#include "load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/checked.h"
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

  static LoadOptions options_of(const std::string& backend) {
    EngineOptions options;
    options.backend = backend;
    options.threads = 1;
    return load_options(options);
  }
  static std::vector<float> logits(const LoadedModel& loaded) {
    return Stepper(*loaded.model, *loaded.backend).append(std::vector<int32_t>{3, 1, 4, 1, 5});
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(Load, one_open_checkpoint_serves_several_loads) {
  const Checkpoint checkpoint(directory_.path());
  const LoadedModel reference = load_on_backend(checkpoint, options_of("reference"));
  EXPECT_EQ(reference.model->config().dim, checkpoint.config.dim);
  EXPECT_EQ(reference.model->options().context, checkpoint.config.max_positions);
  EXPECT_EQ(logits(load_on_backend(checkpoint, options_of("cpu"))), logits(reference));
}

TEST_F(Load, operations_are_measured_when_asked_for) {
  const Checkpoint checkpoint(directory_.path());
  const LoadedModel plain = load_on_backend(checkpoint, options_of("cpu"));
  EXPECT_EQ(plain.meter, nullptr);
  LoadOptions options = options_of("cpu");
  options.measure_ops = true;
  const LoadedModel measured = load_on_backend(checkpoint, options);
  ASSERT_NE(measured.meter, nullptr);
  EXPECT_EQ(logits(measured), logits(plain));
  EXPECT_THAT(measured.meter->operations().drain_totals(), Contains(Field(&OpTotals::op, "linear lm_head")));
  EXPECT_TRUE(measured.meter->operations().drain_totals().empty());
}

TEST_F(Load, reports_progress_to_the_end) {
  EngineOptions options;
  options.backend = "reference";
  uint64_t last = 0, total = 0;
  options.progress = [&](uint64_t bytes_done, uint64_t bytes_total) {
    last = bytes_done;
    total = bytes_total;
  };
  load_on_backend(Checkpoint(directory_.path()), load_options(options));
  EXPECT_GT(total, 0u);
  EXPECT_EQ(last, total);
}

TEST(Options, words_that_mean_nothing_are_refused_by_name) {
  const auto expect_refused = [](const std::string& option, const std::function<void(EngineOptions&)>& change) {
    EngineOptions options;
    change(options);
    try {
      load_options(options);
      ADD_FAILURE() << option << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << option;
      EXPECT_THAT(error.what(), HasSubstr(option));
    }
  };
  expect_refused("experts", [](EngineOptions& o) { o.experts = "both"; });
  expect_refused("kv", [](EngineOptions& o) { o.kv = "bf16"; });
  expect_refused("activations", [](EngineOptions& o) { o.activations = "int4"; });
  expect_refused("packed", [](EngineOptions& o) { o.packed = "always"; });
  EXPECT_NO_THROW(load_options({}));
}

TEST(Options, expert_paths_have_one_spelling) {
  for (const char* word : {"unfused", "concat", "fused"}) EXPECT_EQ(name(parse_expert_path(word)), word);
  EXPECT_THROW(parse_expert_path("Fused"), Error);
  EXPECT_THROW(parse_expert_path(""), Error);
}

TEST(Options, engine_options_become_those_of_the_layers_below) {
  EngineOptions options;
  options.experts = "concat";
  options.kv = "f16";
  options.activations = "f32";
  options.context = 77;
  options.max_rows = 5;
  EXPECT_EQ(model_options(options).experts, ExpertPath::kConcat);
  EXPECT_EQ(model_options(options).kv_dtype, DType::kF16);
  EXPECT_EQ(model_options(options).context, 77);
  EXPECT_EQ(model_options(options).max_rows, 5);
  EXPECT_EQ(load_options(options).backend.activations, ActivationKind::kF32);
  options.activations = "int8";
  EXPECT_EQ(load_options(options).backend.activations, ActivationKind::kInt8);
}

struct BadBackend {
  const char* what;
  BackendOptions options;
};

TEST(MakeBackend, refuses_what_it_does_not_know) {
  const BadBackend cases[] = {{"name", {.backend = "gpu"}},
                              {"empty name", {.backend = ""}},
                              {"isa", {.backend = "cpu", .isa = "sse9"}},
                              {"negative threads", {.backend = "cpu", .threads = -1}},
                              {"too many threads", {.backend = "cpu", .threads = kMaxThreads + 1}},
                              {"f32 activations on the cpu", {.backend = "cpu", .activations = ActivationKind::kF32}}};
  for (const BadBackend& test : cases) {
    try {
      make_backend(test.options);
      ADD_FAILURE() << test.what << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << test.what;
    }
  }
}

TEST(MakeBackend, every_machine_runs_the_portable_table) {
  EXPECT_NE(make_backend({.backend = "cpu", .isa = "portable", .threads = 1}), nullptr);
}

TEST(MakeBackend, takes_every_name_that_it_offers_and_the_first_is_the_default) {
  for (const std::string_view name : backend_names()) {
    EXPECT_NE(make_backend({.backend = std::string(name)}), nullptr) << name;
  }
  EXPECT_EQ(backend_names().front(), BackendOptions().backend);
}

TEST(MakeBackend, says_which_names_there_are) {
  try {
    make_backend({.backend = "gpu"});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    for (const std::string_view name : backend_names()) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(name)));
    }
  }
}

}  // namespace
}  // namespace moebius::internal
