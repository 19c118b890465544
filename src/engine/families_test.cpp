// Tests every family of models with every source of drafts, on the backend that users run. No matter what is drafted,
// how deep, and beside which other sequences, the tokens must be those of plain decoding alone. The weights are random,
// so the answers are noise that depends on every bit of the state.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/testing/temporary_directory.h"
#include "convert/synth.h"
#include "load/load.h"
#include "load/options.h"
#include "schedule/scheduler.h"
#include "schedule/testing/scheduler_bench.h"
#include "speculate/oracle_drafts.h"

namespace moebius::internal::testing {
namespace {

constexpr int64_t kAnswer = 120;
constexpr int64_t kPrompts[] = {5, 70, 300, 31};
constexpr double kRates[] = {0, 0.3, 0.7, 0.95};

using Answers = std::vector<std::vector<int32_t>>;

class Family {
 public:
  Family(const std::string& preset, bool has_head) {
    const auto path = folder_.path() / preset;
    synthesize({.preset = preset, .bits = 4, .mtp = has_head}, path);
    EngineOptions options;
    options.limits.context = 512;
    options.packed.use = PackedUse::kOff;
    loaded_ = load_on_backend(Checkpoint(path), load_options(options));
  }

  // Runs all requests at once, with drafts of this mode. When `errors` is given, the drafts are the plain answers with
  // these errors.
  Answers run(const char* mode, bool use_cache, const Answers& plain = {}, const OracleErrors* errors = nullptr) {
    Scheduler scheduler(*loaded_.model, *loaded_.backend,
                        {.memory_bytes = int64_t{256} << 20,
                         .max_sequences = 4,
                         .prefix_cache = use_cache,
                         .clock = [this] { return ++ticks_; },  // with meaningless times the planner tries everything
                         .name = "family"});
    Answers answers(std::size(kPrompts));
    for (size_t i = 0; i < answers.size(); ++i) {
      SequenceSpec spec = request(i, mode);
      if (errors != nullptr) {
        spec.drafts = [oracle = OracleDrafts(plain[i], *errors), start = std::ssize(spec.prompt)](
                          int64_t position, int64_t most) { return oracle.propose(position - start, most); };
      }
      scheduler.add(std::move(spec));
    }
    while (scheduler.step()) {
      for (const Event& event : scheduler.drain_events()) {
        if (const auto* draw = std::get_if<Draw>(&event.what)) answers[event.request - 1].push_back(draw->token);
      }
    }
    drafted_ += scheduler.stats().drafted;
    return answers;
  }

  [[nodiscard]] int64_t drafted() const { return drafted_; }

 private:
  SequenceSpec request(size_t index, const char* mode) const {
    SequenceSpec spec;
    spec.id = index + 1;
    spec.vocab = static_cast<int32_t>(loaded_.model->config().vocab);
    for (int32_t i = 0; i < kPrompts[index]; ++i) {
      spec.prompt.push_back(i * (7 + static_cast<int32_t>(index)) % spec.vocab);
    }
    spec.sampling.temperature = index % 2 == 0 ? 0.0f : 0.9f;
    spec.sampling.seed = index;
    spec.max_tokens = kAnswer;
    spec.speculation = parse_speculation_mode(mode);
    return spec;
  }

  TemporaryDirectory folder_;
  LoadedModel loaded_;
  double ticks_ = 0;
  int64_t drafted_ = 0;
};

struct FamilyCase {
  const char* preset;
  bool has_head;
};

class Families : public ::testing::TestWithParam<FamilyCase> {};

TEST_P(Families, say_the_same_however_they_draft) {
  Family family(GetParam().preset, GetParam().has_head);
  const Answers plain = family.run("none", false);
  for (const std::vector<int32_t>& answer : plain) ASSERT_EQ(std::ssize(answer), kAnswer);
  EXPECT_EQ(family.run("none", true), plain);
  for (const char* mode : {"auto", "ngram", "ngram:4", "mtp", "mtp:1", "mtp:4", "mtp:15"}) {
    EXPECT_EQ(family.run(mode, true), plain) << mode;
  }
  for (const char* mode : {"ngram:1", "ngram:3", "ngram:15", "auto"}) {
    for (const double rate : kRates) {
      const OracleErrors errors{.rate = rate, .burst = rate == 0 ? 9 : 0, .seed = 3};
      EXPECT_EQ(family.run(mode, true, plain, &errors), plain) << mode << ", " << rate;
    }
  }
  EXPECT_GT(family.drafted(), 5000);
}

INSTANTIATE_TEST_SUITE_P(Presets, Families,
                         ::testing::Values(FamilyCase{"tiny", true}, FamilyCase{"tiny-qwen3.5", true},
                                           FamilyCase{"tiny-qwen3-next", true}, FamilyCase{"tiny-qwen3-moe", false}),
                         [](const auto& family) {
                           std::string name = family.param.preset;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

}  // namespace
}  // namespace moebius::internal::testing
