// Parity of sample(): greedy and sampled draws, penalties, masks, drafts that are right up to some row, broken rows,
// and several sequences in one batch.
#include <fmt/format.h>

#include <limits>

#include "backend/parity/testing/parity.h"
#include "sample/sampler.h"

namespace moebius::internal::testing {
namespace {

constexpr int32_t kVocab = 700;  // ids in use; rows of logits are a little longer (kCols)
constexpr int64_t kCols = 704;

struct Sampled {
  SamplingOptions options;
  int64_t rows = 1;
  int64_t right = 0;       // leading drafts that are the tokens that will be drawn; the other drafts are wrong
  bool is_masked = false;  // a third of the tokens is allowed, a different third from row to row
  int64_t broken = -1;     // the row that has a NaN; -1: no row
};

// The words of a mask that allows ids with id % 3 == row % 3.
std::vector<uint32_t> mask_of(int64_t row) {
  std::vector<uint32_t> words((kVocab + 31) / 32, 0);
  for (int64_t id = row % 3; id < kVocab; id += 3) words[id / 32] |= uint32_t{1} << (id % 32);
  return words;
}

// A sequence that is drawn from: its logits, its history, its drafts.
struct Drawn {
  Drawn(const Sampled& from, int64_t first_logit, uint64_t seed)
      : spec(from), first(first_logit), logits(normals(from.rows * kCols, seed, 3)), sampler(from.options, kVocab) {
    for (int32_t id = 0; id < 40; ++id) (id % 3 == 0 ? history.add(id * 7) : history.add_prompt(id * 5));
    if (spec.broken >= 0) logits[spec.broken * kCols + 11] = std::numeric_limits<float>::quiet_NaN();
    for (int64_t row = 0; spec.is_masked && row < spec.rows; ++row) words.push_back(mask_of(row));
    for (const std::vector<uint32_t>& row : words) masks.emplace_back(row);
    draft();
  }

  [[nodiscard]] SequenceSampling sampling(int64_t sequence) {
    return {.sequence = sequence,
            .first_logit = first,
            .rows = spec.rows,
            .sampler = &sampler,
            .history = &history,
            .drafts = drafts,
            .position = 100,
            .masks = masks};
  }

  Sampled spec;
  int64_t first;
  std::vector<float> logits;  // [rows, kCols]
  TokenCounts history;
  Sampler sampler;
  std::vector<int32_t> drafts;
  std::vector<std::vector<uint32_t>> words;
  std::vector<TokenMask> masks;

 private:
  // Makes the drafts. Right drafts are the tokens that the sampler draws, one after another.
  void draft() {
    for (int64_t row = 0; row + 1 < spec.rows; ++row) {
      const bool is_right = row < spec.right && row != spec.broken;
      const std::span<const float> values = std::span(logits).subspan(row * kCols, kCols);
      const TokenMask mask = masks.empty() ? TokenMask() : masks[row];
      drafts.push_back(is_right ? sampler.draw(values, History(history, drafts), 100 + row, mask).token : kVocab - 1);
    }
  }
};

void sample(const std::vector<Sampled>& sequences, Backend& backend, Results& results) {
  std::vector<std::unique_ptr<Drawn>> all;
  std::vector<SequenceRows> rows;
  std::vector<SequenceSampling> samplings;
  std::vector<float> logits;
  std::vector<int32_t> logit_rows;
  int64_t first_row = 0;
  for (const Sampled& spec : sequences) {
    all.push_back(std::make_unique<Drawn>(spec, std::ssize(logit_rows), all.size() + 1));
    const int64_t sequence_rows = spec.rows + 2;  // the first two rows are not drawn from
    rows.push_back({.state = {}, .first_row = first_row, .rows = sequence_rows});
    samplings.push_back(all.back()->sampling(std::ssize(rows) - 1));
    logits.insert(logits.end(), all.back()->logits.begin(), all.back()->logits.end());
    for (int64_t i = 2; i < sequence_rows; ++i) logit_rows.push_back(static_cast<int32_t>(first_row + i));
    first_row += sequence_rows;
  }
  rows.push_back({.state = {}, .first_row = first_row, .rows = 4});  // a prompt that is not drawn from
  const Tensor on_backend = tensor(backend, logits, kCols);
  const Tensor kept = counts(backend, std::vector<int32_t>(rows.size(), -7));
  reserve(backend, first_row + 4);
  Operations& ops = backend.operations();
  const Batch batch = ops.stage({.tokens = {}, .sequences = rows, .logit_rows = logit_rows});
  std::vector<SequenceDraws> draws(samplings.size());
  ops.sample(kept, on_backend, batch, samplings, draws);
  ops.wait();
  results.add("kept", backend, kept);
  for (size_t i = 0; i < draws.size(); ++i) {
    std::vector<float> told = {static_cast<float>(draws[i].accepted), draws[i].is_finite ? 1.0f : 0.0f};
    for (const Draw& draw : draws[i].draws) {
      told.push_back(static_cast<float>(draw.token));
      told.push_back(draw.logprob);
      for (const TokenLogprob& one : draw.top) told.insert(told.end(), {static_cast<float>(one.id), one.logprob});
    }
    results.add(fmt::format("sequence{}", i), told, 1);
  }
}

std::vector<ParityCase> sampling_cases() {
  const SamplingOptions greedy = {.temperature = 0};
  const SamplingOptions hot = {.temperature = 1.3f, .seed = 5};
  const SamplingOptions filtered = {.temperature = 0.9f, .top_k = 40, .top_p = 0.9f, .min_p = 0.01f, .seed = 6};
  SamplingOptions penalized = {.temperature = 1, .repetition_penalty = 1.2f, .seed = 7, .logprobs = 3};
  penalized.presence_penalty = 0.5f;
  penalized.frequency_penalty = 0.3f;
  penalized.logit_bias = {{14, 8.0f}, {21, -100.0f}};
  const std::vector<std::pair<std::string, std::vector<Sampled>>> named = {
      {"greedy", {{greedy}}},
      {"sampled", {{hot}}},
      {"filtered", {{filtered}}},
      {"penalized_with_logprobs", {{penalized}}},
      {"all_drafts_right", {{hot, 6, 5}}},
      {"drafts_right_up_to_the_third", {{penalized, 6, 2}}},
      {"no_draft_right", {{greedy, 6, 0}}},
      {"masked", {{hot, 6, 5, true}}},
      {"masked_with_penalties", {{penalized, 6, 3, true}}},
      {"broken", {{greedy, 1, 0, false, 0}}},
      {"broken_behind_right_drafts", {{hot, 6, 5, false, 3}}},
      {"many", {{hot, 4, 2}, {greedy}, {filtered, 3, 2, true}, {penalized, 5, 4}, {greedy, 2, 1, false, 1}, {hot}}},
  };
  std::vector<ParityCase> cases;
  for (const auto& [name, sequences] : named) {
    cases.push_back(single(name, [=](Backend& backend, Results& results) { sample(sequences, backend, results); }));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Sampling, Parity, on_every_candidate(sampling_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
