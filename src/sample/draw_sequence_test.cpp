// Rows of one sequence: what is drawn with drafts is what is drawn without them.
#include "sample/draw_sequence.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace moebius::internal {
namespace {

constexpr int32_t kVocab = 50;
constexpr int64_t kRows = 6;
constexpr int64_t kPosition = 11;

std::vector<float> random_rows(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> rows(static_cast<size_t>(kRows * kVocab));
  for (float& logit : rows) logit = static_cast<float>(random() % 65536) / 16384.0f;
  return rows;
}

std::span<const float> row_of(const std::vector<float>& rows, int64_t row) {
  return std::span(rows).subspan(static_cast<size_t>(row * kVocab), kVocab);
}

SamplingOptions penalized(uint64_t seed) {
  SamplingOptions options = {.repetition_penalty = 1.3f, .seed = seed};
  options.frequency_penalty = 0.5f;
  return options;
}

TokenCounts some_history() {
  TokenCounts history;
  for (int32_t id = 0; id < 10; ++id) history.add_prompt(id);
  history.add(3);
  return history;
}

// Draws one row after another, and counts each token before the next. There are no drafts.
std::vector<int32_t> plain_draws(const std::vector<float>& rows, uint64_t seed) {
  Sampler sampler(penalized(seed), kVocab);
  TokenCounts history = some_history();
  std::vector<int32_t> tokens;
  for (int64_t row = 0; row < kRows; ++row) {
    tokens.push_back(sampler.draw(row_of(rows, row), history, kPosition + row).token);
    history.add(tokens.back());
  }
  return tokens;
}

struct Verified {
  std::vector<int32_t> tokens;
  int64_t accepted = 0;
  bool is_finite = true;
};

Verified verify(const std::vector<float>& rows, uint64_t seed, const std::vector<int32_t>& drafts,
                const std::vector<TokenMask>& masks = {}) {
  Sampler sampler(penalized(seed), kVocab);
  const TokenCounts history = some_history();
  const auto count = std::ssize(drafts) + 1;
  SequenceDraws draws;
  draw_sequence(draws, std::span(rows).first(static_cast<size_t>(count * kVocab)),
                {.rows = count,
                 .sampler = &sampler,
                 .history = &history,
                 .drafts = drafts,
                 .position = kPosition,
                 .masks = masks});
  Verified verified = {.tokens = {}, .accepted = draws.accepted, .is_finite = draws.is_finite};
  for (const Draw& draw : draws.draws) verified.tokens.push_back(draw.token);
  return verified;
}

TEST(DrawSequence, draws_what_plain_decoding_draws_as_far_as_drafts_are_right) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<float> rows = random_rows(static_cast<uint32_t>(seed));
    const std::vector<int32_t> plain = plain_draws(rows, seed);
    for (int64_t right = 0; right < kRows; ++right) {
      std::vector<int32_t> drafts(plain.begin(), plain.end() - 1);
      if (right + 1 < kRows) drafts[static_cast<size_t>(right)] = (plain[static_cast<size_t>(right)] + 1) % kVocab;
      const Verified verified = verify(rows, seed, drafts);
      EXPECT_EQ(verified.accepted, right);
      EXPECT_EQ(verified.tokens, std::vector<int32_t>(plain.begin(), plain.begin() + right + 1));
    }
  }
}

TEST(DrawSequence, of_a_draft_head_stands_behind_all_its_drafts) {
  const std::vector<float> rows = random_rows(7);
  const std::vector<int32_t> plain = plain_draws(rows, 9);
  Sampler sampler(penalized(9), kVocab);
  const TokenCounts history = some_history();
  for (int64_t row = 0; row < kRows; ++row) {
    SequenceDraws draws;
    draw_sequence(draws, row_of(rows, row),
                  {.sampler = &sampler,
                   .history = &history,
                   .drafts = std::span(plain).first(static_cast<size_t>(row)),
                   .position = kPosition + row});
    ASSERT_EQ(draws.draws.size(), 1u);
    EXPECT_EQ(draws.draws[0].token, plain[static_cast<size_t>(row)]);
    EXPECT_EQ(draws.accepted, 0);
  }
}

TEST(DrawSequence, stops_at_a_row_that_is_not_finite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> rows = random_rows(3);
    const std::vector<int32_t> plain = plain_draws(rows, 4);
    rows[static_cast<size_t>(2 * kVocab + 5)] = bad;
    const Verified verified = verify(rows, 4, {plain.begin(), plain.end() - 1});
    EXPECT_FALSE(verified.is_finite);
    EXPECT_EQ(verified.tokens, std::vector<int32_t>(plain.begin(), plain.begin() + 2));
    EXPECT_EQ(verified.accepted, 2);
  }
}

TEST(DrawSequence, has_a_mask_for_every_row) {
  const std::vector<float> rows = random_rows(5);
  const std::vector<uint32_t> seven = {1u << 7, 0}, forty = {0, 1u << 8};
  const std::vector<TokenMask> masks = {seven, forty, seven};
  const Verified verified = verify(rows, 1, {7, 40}, masks);
  EXPECT_EQ(verified.tokens, (std::vector<int32_t>{7, 40, 7}));
  EXPECT_EQ(verified.accepted, 2);
}

TEST(KeptRows, are_all_but_the_drafts_that_were_not_drawn) {
  const SequenceSampling sampling = {.rows = 5};  // one row and four drafts
  EXPECT_EQ(kept_rows(5, sampling, {.accepted = 4}), 5);
  EXPECT_EQ(kept_rows(5, sampling, {.accepted = 0}), 1);
  EXPECT_EQ(kept_rows(9, sampling, {.accepted = 1}), 6) << "five rows of a prompt, then four drafts";
}

}  // namespace
}  // namespace moebius::internal
