// Draws: their distribution, their purity, the order of steps.
#include "sample/sampler.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>

#include "base/testing/expect_error.h"
#include "sample/filters.h"
#include "sample/testing/naive_sampling.h"

namespace moebius::internal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_row(size_t vocab, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> row(vocab);
  for (float& logit : row) logit = static_cast<float>(random() % 65536) / 8192.0f;
  return row;
}

int32_t greedy(SamplingOptions options, const std::vector<float>& row, const TokenCounts& history = {}) {
  options.temperature = 0;
  return Sampler(options, static_cast<int32_t>(row.size())).draw(row, history, 0).token;
}

// Pearson's statistic of draws at positions 0, 1, ... against their probabilities. Tokens that are expected less than 5
// times count as one. Returns how many standard deviations the statistic lies above its mean.
double chi_square_excess(const std::vector<float>& row, const SamplingOptions& options, int draws) {
  Sampler sampler(options, static_cast<int32_t>(row.size()));
  std::map<int32_t, int> drawn;
  for (int position = 0; position < draws; ++position) ++drawn[sampler.draw(row, {}, position).token];
  double statistic = 0;
  int cells = 0;
  double rare_expected = 0;
  double rare_drawn = draws;
  const auto add = [&](double got, double expected) {
    statistic += (got - expected) * (got - expected) / expected;
    ++cells;
  };
  for (const testing::NaiveToken& token : testing::naive_allowed(row, options, 0)) {
    const double expected = token.probability * draws;
    if (expected < 5) {
      rare_expected += expected;
      continue;
    }
    add(drawn[token.id], expected);
    rare_drawn -= drawn[token.id];
  }
  if (rare_expected > 0) {
    add(rare_drawn, rare_expected);
  } else {
    EXPECT_EQ(rare_drawn, 0) << "tokens that the filters forbid";
  }
  const double freedom = cells - 1;
  return freedom > 0 ? (statistic - freedom) / std::sqrt(2 * freedom) : 0;
}

TEST(Sampler, draws_by_the_probabilities_of_a_softmax_in_double) {
  const SamplingOptions rows[] = {
      {},
      {.temperature = 0.6f, .seed = 1},
      {.temperature = 2.5f, .seed = UINT64_MAX},
      {.top_k = 20, .seed = 2},
      {.top_p = 0.9f, .seed = 3},
      {.min_p = 0.1f, .seed = 4},
      {.temperature = 0.7f, .top_k = 40, .top_p = 0.95f, .min_p = 0.02f, .seed = 5},
  };
  for (const SamplingOptions& options : rows) {
    EXPECT_LT(chi_square_excess(random_row(200, 7), options, 40000), 4) << options.seed;
  }
}

TEST(Sampler, draws_equals_equally_often) { EXPECT_LT(chi_square_excess(std::vector<float>(100, 3.0f), {}, 40000), 4); }

// Draws with many seeds at one position, as a server's n answers to one prompt do.
TEST(Sampler, draws_by_the_probabilities_from_one_seed_to_the_next) {
  const std::vector<float> row = {std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  std::map<int32_t, int> drawn;
  constexpr int kSeeds = 20000;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    ++drawn[Sampler({.seed = seed}, 3).draw(row, {}, 11).token];
  }
  EXPECT_NEAR(drawn[0], 0.5 * kSeeds, 4 * 71);
  EXPECT_NEAR(drawn[1], 0.25 * kSeeds, 4 * 62);
}

TEST(Sampler, draws_two_neighbours_independently) {
  const std::vector<float> row(4, 0.0f);
  Sampler sampler({}, 4);
  std::map<std::pair<int32_t, int32_t>, int> pairs;
  constexpr int kPairs = 32000;
  for (int64_t i = 0; i < kPairs; ++i) {
    const int32_t first = sampler.draw(row, {}, 2 * i).token;
    ++pairs[{first, sampler.draw(row, {}, 2 * i + 1).token}];
  }
  EXPECT_EQ(pairs.size(), 16u);
  for (const auto& [pair, count] : pairs) EXPECT_NEAR(count, kPairs / 16.0, 4 * 44);
}

TEST(Sampler, draws_the_same_token_whatever_it_drew_before) {
  const SamplingOptions rows[] = {{},
                                  {.top_k = 30,
                                   .top_p = 0.9f,
                                   .repetition_penalty = 1.3f,
                                   .presence_penalty = 0.5f,
                                   .logit_bias = {{1, 2}},
                                   .logprobs = 5}};
  TokenCounts history;
  for (const int32_t id : {1, 2, 2, 90}) history.add(id);
  for (const SamplingOptions& options : rows) {
    Sampler used(options, 300);
    for (int64_t position = 200; position >= 0; --position) {
      const std::vector<float> row = random_row(300 + static_cast<size_t>(position % 9), 3);
      const Draw fresh = Sampler(options, 300).draw(row, history, position);
      const Draw again = used.draw(row, history, position);
      ASSERT_EQ(again.token, fresh.token);
      ASSERT_EQ(again.logprob, fresh.logprob);
      used.draw(random_row(900, static_cast<uint32_t>(position)), {}, position);
    }
  }
}

TEST(Sampler, draws_the_same_without_filters_as_with_filters_that_let_all_pass) {
  Sampler plain({}, 5000);
  Sampler filtered({.top_k = 5000}, 5000);
  const std::vector<float> row = random_row(5000, 4);
  for (int position = 0; position < 2000; ++position) {
    ASSERT_EQ(plain.draw(row, {}, position).token, filtered.draw(row, {}, position).token);
  }
}

TEST(Sampler, draws_the_tokens_it_drew_when_this_was_written) {
  Sampler sampler({.temperature = 0.8f, .top_p = 0.95f, .seed = 42}, 1000);
  const std::vector<float> row = random_row(1000, 5);
  std::vector<int32_t> tokens;
  for (int position = 0; position < 8; ++position) tokens.push_back(sampler.draw(row, {}, position).token);
  EXPECT_EQ(tokens, (std::vector<int32_t>{867, 735, 405, 700, 395, 759, 78, 770}));
}

TEST(Sampler, takes_the_lowest_of_the_likeliest_ids_at_temperature_zero) {
  std::vector<float> row(200, -kInfinity);
  EXPECT_EQ(greedy({}, {-1}), 0);
  row[199] = row[130] = row[70] = -5;
  EXPECT_EQ(greedy({}, row), 70);
  EXPECT_EQ(greedy({}, {-0.0f, 0.0f}), 0);
}

TEST(Sampler, draws_the_likeliest_token_where_only_one_is_left) {
  const std::vector<float> row = random_row(500, 6);
  const SamplingOptions rows[] = {{.temperature = 1e-38f}, {.top_k = 1}, {.top_p = 0}, {.min_p = 1}};
  for (const SamplingOptions& options : rows) {
    for (int position = 0; position < 50; ++position) {
      EXPECT_EQ(Sampler(options, 500).draw(row, {}, position).token, greedy({}, row));
    }
  }
}

TEST(Sampler, never_draws_padding) {
  std::vector<float> row(64, 0.0f);
  row[60] = 100;
  row[61] = kInfinity;
  row[62] = std::nanf("");
  Sampler sampler({.logprobs = 20}, 10);
  for (int position = 0; position < 200; ++position) {
    const Draw draw = sampler.draw(row, {}, position);
    EXPECT_LT(draw.token, 10);
    EXPECT_EQ(draw.top.size(), 10u);
    EXPECT_NEAR(draw.logprob, std::log(0.1), 1e-6);
  }
}

TEST(Sampler, never_draws_a_masked_token) {
  const std::vector<float> row = {-kInfinity, 0, -kInfinity, 0};
  Sampler sampler({}, 4);
  for (int position = 0; position < 200; ++position) EXPECT_EQ(sampler.draw(row, {}, position).token % 2, 1);
}

TEST(Sampler, refuses_logits_that_are_no_numbers_and_names_the_token) {
  for (const float temperature : {0.0f, 1.0f}) {
    Sampler sampler({.temperature = temperature}, 200);
    for (const float bad : {std::nanf(""), kInfinity}) {
      std::vector<float> row = random_row(200, 1);
      row[197] = bad;
      testing::expect_error(ErrorCode::kNonFinite, "token 197", [&] { sampler.draw(row, {}, 0); });
    }
    testing::expect_error(ErrorCode::kNonFinite, "all are -inf",
                          [&] { sampler.draw(std::vector<float>(200, -kInfinity), {}, 0); });
  }
}

TEST(Sampler, refuses_options_out_of_range) {
  testing::expect_error(ErrorCode::kUsage, "top_p", [] { Sampler({.top_p = 2}, 10); });
}

TEST(Sampler, adds_bias_before_it_penalizes) {
  TokenCounts history;
  history.add_prompt(0);
  // (1 + 3) / 2 = 2 beats 1.9; 1 / 2 + 3 = 3.5 would beat 3.
  EXPECT_EQ(greedy({.repetition_penalty = 2, .logit_bias = {{0, 3}}}, {1, 1.9f}, history), 0);
  EXPECT_EQ(greedy({.repetition_penalty = 2, .logit_bias = {{0, 3}}}, {1, 3}, history), 1);
}

TEST(Sampler, makes_repeated_tokens_less_likely_whatever_the_sign_of_their_logit) {
  TokenCounts history;
  history.add_prompt(0);
  const SamplingOptions options{.repetition_penalty = 1.5f};
  EXPECT_EQ(greedy(options, {3, 2.1f}, history), 1);
  EXPECT_EQ(greedy(options, {3, 1.9f}, history), 0);
  EXPECT_EQ(greedy(options, {-2, -2.9f}, history), 1);
  EXPECT_EQ(greedy(options, {-2, -3.1f}, history), 0);
}

TEST(Sampler, counts_the_answer_alone_for_presence_and_frequency) {
  TokenCounts history;
  for (int i = 0; i < 9; ++i) history.add_prompt(1);
  for (int i = 0; i < 3; ++i) history.add(0);
  const SamplingOptions presence{.presence_penalty = 1};
  EXPECT_EQ(greedy(presence, {5, 4.1f}, history), 1);
  EXPECT_EQ(greedy(presence, {5, 3.9f}, history), 0);
  const SamplingOptions frequency{.frequency_penalty = 1};
  EXPECT_EQ(greedy(frequency, {5, 2.1f}, history), 1);
  EXPECT_EQ(greedy(frequency, {5, 1.9f}, history), 0);
}

TEST(Sampler, divides_by_the_repetition_penalty_before_it_subtracts_the_others) {
  TokenCounts history;
  history.add(0);
  // 4 / 2 - 1 = 1; (4 - 1) / 2 would be 1.5.
  const SamplingOptions options{.repetition_penalty = 2, .presence_penalty = 1};
  EXPECT_EQ(greedy(options, {4, 1.2f}, history), 1);
  EXPECT_EQ(greedy(options, {4, 0.9f}, history), 0);
}

TEST(Sampler, passes_over_history_that_is_padding) {
  TokenCounts history;
  history.add_prompt(2);
  history.add_prompt(-1);
  EXPECT_EQ(greedy({.repetition_penalty = 2}, {1, 2}, history), 1);
}

TEST(Sampler, tells_the_logprobs_of_the_model_whatever_the_options_change) {
  const std::vector<float> row = random_row(300, 8);
  TokenCounts history;
  history.add(3);
  SamplingOptions options{.temperature = 0.5f,
                          .top_k = 5,
                          .repetition_penalty = 2,
                          .presence_penalty = 2,
                          .logit_bias = {{3, 10}},
                          .logprobs = 20};
  const std::vector<testing::NaiveToken> expected = testing::naive_order(row, 1);
  const Draw draw = Sampler(options, 300).draw(row, history, 1);
  ASSERT_EQ(draw.top.size(), 20u);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(draw.top[i].id, expected[i].id);
    EXPECT_NEAR(draw.top[i].logprob, std::log(expected[i].probability), 2e-6);
  }
  for (const testing::NaiveToken& token : expected) {
    if (token.id != draw.token) continue;
    EXPECT_NEAR(draw.logprob, std::log(token.probability), 2e-6);
  }
}

TEST(Sampler, tells_no_more_logprobs_than_were_asked_for) {
  const std::vector<float> row = {0, 1, 2};
  const auto draw = [&](int32_t logprobs) {
    return Sampler({.temperature = 0, .logprobs = logprobs}, 3).draw(row, {}, 0);
  };
  EXPECT_EQ(draw(-1).logprob, 0);
  EXPECT_EQ(draw(0).logprob, draw(1).logprob);
  EXPECT_LT(draw(0).logprob, 0);
  EXPECT_EQ(draw(0).top.size(), 0u);
  EXPECT_EQ(draw(1).top.size(), 1u);
  EXPECT_EQ(draw(20).top.size(), 3u);
}

// The words of a mask that allows only these ids.
std::vector<uint32_t> mask_of(const std::vector<int32_t>& ids, size_t vocab) {
  std::vector<uint32_t> words((vocab + 31) / 32, 0);
  for (const int32_t id : ids) words[static_cast<size_t>(id) / 32] |= uint32_t{1} << (id % 32);
  return words;
}

TEST(Mask, leaves_the_tokens_that_it_allows_as_they_were_to_each_other) {
  constexpr size_t kVocab = 100;
  const std::vector<float> row = random_row(kVocab, 3);
  const std::vector<int32_t> allowed = {1, 31, 32, 64, 97};
  std::vector<float> alone(kVocab, -kInfinity);
  for (const int32_t id : allowed) alone[static_cast<size_t>(id)] = row[static_cast<size_t>(id)];
  for (const SamplingOptions& options :
       {SamplingOptions{.temperature = 0}, SamplingOptions{.seed = 4}, SamplingOptions{.top_p = 0.7f, .seed = 5}}) {
    Sampler sampler(options, kVocab);
    const std::vector<uint32_t> mask = mask_of(allowed, kVocab);
    for (int position = 0; position < 200; ++position) {
      EXPECT_EQ(sampler.draw(row, {}, position, mask).token, sampler.draw(alone, {}, position).token);
    }
  }
}

TEST(Mask, changes_no_logprob) {
  const std::vector<float> row = random_row(64, 5);
  Sampler sampler({.temperature = 0, .logprobs = 2}, 64);
  const Draw free = sampler.draw(row, {}, 0);
  const Draw forced = sampler.draw(row, {}, 0, mask_of({free.token}, 64));
  EXPECT_EQ(forced.logprob, free.logprob);
  EXPECT_EQ(forced.top[0].logprob, free.top[0].logprob);
}

TEST(Mask, that_allows_nothing_or_has_another_size_is_a_bug) {
  const std::vector<float> row = random_row(64, 5);
  Sampler sampler({}, 64);
  testing::expect_error(ErrorCode::kInternal, "is_any_allowed", [&] { sampler.draw(row, {}, 0, mask_of({}, 64)); });
  testing::expect_error(ErrorCode::kInternal, "mask.size()", [&] { sampler.draw(row, {}, 0, mask_of({1}, 32)); });
}

}  // namespace
}  // namespace moebius::internal
