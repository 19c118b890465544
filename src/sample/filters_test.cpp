// The filters against a full sort, on plain rows and on unusual ones.
#include "sample/filters.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "sample/testing/naive_sampling.h"

namespace moebius::internal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a row is made of.
enum class Kind { kNormal, kTies, kMasked, kEqual, kOneHuge, kRising, kFalling, kCount };

std::vector<float> make_row(Kind kind, size_t vocab, std::mt19937& random) {
  std::vector<float> row(vocab);
  for (size_t i = 0; i < vocab; ++i) {
    const float noise = static_cast<float>(random() % 65536) / 8192.0f - 4.0f;
    const auto at = static_cast<float>(i);
    switch (kind) {
      case Kind::kTies:
        row[i] = static_cast<float>(random() % 4);
        break;
      case Kind::kMasked:
        row[i] = random() % 3 == 0 ? noise : -kInfinity;
        break;
      case Kind::kEqual:
        row[i] = -2.5f;
        break;
      case Kind::kRising:
        row[i] = 0.01f * at;
        break;
      case Kind::kFalling:
        row[i] = -0.01f * at;
        break;
      default:
        row[i] = noise;
    }
  }
  if (kind == Kind::kOneHuge) row[random() % vocab] = 1e30f;
  if (kind == Kind::kMasked) row[random() % vocab] = 1;
  return row;
}

SamplingOptions make_options(std::mt19937& random) {
  const float temperatures[] = {1, 0.6f, 1e-3f, 3, 1e-38f};
  const int32_t counts[] = {0, 0, 1, 2, 20, 300, 1 << 30};
  const float shares[] = {1, 1, 0, 0.1f, 0.5f, 0.95f, 0.9999f};
  const float least[] = {0, 0, 1e-40f, 0.05f, 0.5f, 1};
  return {.temperature = temperatures[random() % 5],
          .top_k = counts[random() % 7],
          .top_p = shares[random() % 7],
          .min_p = least[random() % 6]};
}

std::vector<Candidate> allowed(const std::vector<float>& row, const SamplingOptions& options) {
  LogitScan scan;
  scan.read(row, options.temperature);
  std::vector<Candidate> candidates;
  keep_allowed(candidates, scan, options);
  std::sort(candidates.begin(), candidates.end(), before);
  return candidates;
}

// Filters by a full sort and plain loops over the same integers, so the result is exact.
std::vector<Candidate> sorted_allowed(const std::vector<float>& row, const SamplingOptions& options) {
  LogitScan scan;
  scan.read(row, options.temperature);
  std::vector<Candidate> tokens;
  for (size_t id = 0; id < row.size(); ++id) {
    if (row[id] == -kInfinity) continue;
    tokens.push_back({row[id], static_cast<int32_t>(id), weight_of(scan.x(row[id]))});
  }
  std::sort(tokens.begin(), tokens.end(), before);
  const auto keep = [&](size_t count) { tokens.resize(std::clamp<size_t>(count, 1, tokens.size())); };
  if (options.top_k > 0) keep(static_cast<size_t>(options.top_k));
  if (options.top_p < 1) {
    const double share = static_cast<double>(options.top_p) * static_cast<double>(sum_weights(tokens));
    uint64_t sum = 0;
    size_t count = 0;
    while (count < tokens.size() && static_cast<double>(sum) < share) sum += tokens[count++].weight;
    keep(count);
  }
  const float least = options.min_p > 0x1p-100f ? fmath::log(options.min_p) : -kInfinity;
  std::erase_if(tokens, [&](const Candidate& token) { return scan.x(token.logit) < least || token.weight == 0; });
  return tokens;
}

TEST(Filters, keep_what_a_full_sort_keeps) {
  std::mt19937 random(1);
  const size_t vocabs[] = {1, 2, 63, 64, 65, 500, 3000};
  for (int trial = 0; trial < 6000; ++trial) {
    const auto kind = static_cast<Kind>(random() % static_cast<uint32_t>(Kind::kCount));
    const std::vector<float> row = make_row(kind, vocabs[random() % 7], random);
    const SamplingOptions options = make_options(random);
    std::vector<Candidate> got = allowed(row, options);
    std::erase_if(got, [](const Candidate& token) { return token.weight == 0; });
    const std::vector<Candidate> expected = sorted_allowed(row, options);
    const bool equal =
        std::equal(got.begin(), got.end(), expected.begin(), expected.end(),
                   [](const Candidate& a, const Candidate& b) { return a.id == b.id && a.weight == b.weight; });
    ASSERT_TRUE(equal) << "kind " << static_cast<int>(kind) << " of " << row.size() << ", temperature "
                       << options.temperature << " top_k " << options.top_k << " top_p " << options.top_p << " min_p "
                       << options.min_p << ": " << got.size() << " for " << expected.size();
  }
}

TEST(Filters, give_the_probabilities_of_a_softmax_in_double) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 3000; ++trial) {
    const std::vector<float> row = make_row(trial % 2 == 0 ? Kind::kNormal : Kind::kMasked, 400, random);
    SamplingOptions options = make_options(random);
    options.temperature = std::max(options.temperature, 0.6f);
    const std::vector<testing::NaiveToken> most = testing::naive_allowed(row, options, 1e-6);
    const std::vector<testing::NaiveToken> fewest = testing::naive_allowed(row, options, -1e-6);
    if (most.size() != fewest.size()) continue;  // rounding may decide
    const std::vector<Candidate> got = allowed(row, options);
    ASSERT_EQ(got.size(), most.size());
    const auto whole = static_cast<double>(sum_weights(got));
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].id, most[i].id);
      ASSERT_NEAR(static_cast<double>(got[i].weight) / whole, most[i].probability, 2e-6 * most[i].probability);
    }
  }
}

TEST(Filters, keep_the_lower_ids_of_equals_in_top_k) {
  const std::vector<Candidate> kept = allowed({1, 2, 2, 2, 1}, {.top_k = 2});
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].id, 1);
  EXPECT_EQ(kept[1].id, 2);
}

TEST(Filters, take_top_p_of_what_top_k_leaves) {
  // The probabilities are 0.4, 0.3, 0.2, 0.1. Those of the first two alone are 0.57 and 0.43.
  const std::vector<float> row = {std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)};
  EXPECT_EQ(allowed(row, {.top_k = 2, .top_p = 0.5f}).size(), 1u);
  EXPECT_EQ(allowed(row, {.top_p = 0.5f}).size(), 2u);
}

TEST(Filters, take_top_p_of_all_tokens_and_not_of_those_that_min_p_leaves) {
  // min_p 0.5 leaves two of 0.5, 0.26, 0.12, 0.12. If top_p saw these two alone, the first would be 0.66 and suffice.
  const std::vector<float> row = {std::log(0.5f), std::log(0.26f), std::log(0.12f), std::log(0.12f)};
  EXPECT_EQ(allowed(row, {.top_p = 0.6f, .min_p = 0.5f}).size(), 2u);
}

}  // namespace
}  // namespace moebius::internal
