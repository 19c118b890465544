// The memory check in front of a load, and the words of options and backends.
#include "load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/checked.h"
#include "load/options.h"
#include "moebius/error.h"

namespace moebius {
namespace {

using ::testing::AllOf;
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
  EXPECT_TRUE(load_options(options).backend.f32_activations);
  options.activations = "int8";
  EXPECT_FALSE(load_options(options).backend.f32_activations);
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
                              {"too many threads", {.backend = "cpu", .threads = 1'000'000}},
                              {"f32 activations on the cpu", {.backend = "cpu", .f32_activations = true}}};
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
}  // namespace moebius
