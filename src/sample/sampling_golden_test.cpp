// Penalty and filters against the logits processors of transformers (tests/golden/make_sampling.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "sample/filters.h"
#include "sample/generation_defaults.h"
#include "sample/penalties.h"

namespace moebius::internal {
namespace {

const std::string kFile = MOEBIUS_SOURCE_DIR "/tests/golden/sampling/warpers.json";

std::vector<Candidate> allowed(const JsonObject& golden) {
  const SamplingOptions options = with_defaults(read_generation_defaults(golden.object("settings")));
  TokenCounts history;
  for (const Json& id : golden.array("seen")) history.add_prompt(id.get<int32_t>());
  auto logits = golden.array("logits").get<std::vector<float>>();
  adjust(logits, options, history);
  LogitScan scan;
  scan.read(logits, options.temperature);
  std::vector<Candidate> tokens;
  keep_allowed(tokens, scan, options);
  std::sort(tokens.begin(), tokens.end(), before);
  return tokens;
}

TEST(SamplingGolden, tokens_left_and_their_probabilities_are_those_of_transformers) {
  const Json cases = parse_json(read_text(kFile, JsonLimits{}.max_bytes), kFile);
  ASSERT_GE(cases.size(), 50u);
  for (const Json& one : cases) {
    const JsonObject golden(one, kFile);
    const std::vector<Candidate> got = allowed(golden);
    const auto ids = golden.array("ids").get<std::vector<int32_t>>();
    const auto probabilities = golden.array("probabilities").get<std::vector<double>>();
    ASSERT_EQ(got.size(), ids.size()) << one.at("settings");
    const auto whole = static_cast<double>(sum_weights(got));
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].id, ids[i]) << one.at("settings");
      // Logits are f32. A token's exponent below the largest, ln(p0 / p), is known to an ulp or two, and p is known no
      // better. A weight is a whole number of units.
      const double exponent = std::log(probabilities[0] / probabilities[i]);
      const double relative = 1e-6 + 2.5e-7 * exponent;
      EXPECT_NEAR(static_cast<double>(got[i].weight) / whole, probabilities[i], relative * probabilities[i] + 0x1p-41)
          << one.at("settings");
    }
  }
}

}  // namespace
}  // namespace moebius::internal
