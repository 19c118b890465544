// A running request: its tokens, where it stands, what it draws with, what it holds of the caches, what its drafts come
// from. Plain data for the scheduler; the words of requests are prompt.h's, the words of answers answer_text.h's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dialogue/answer_text.h"
#include "moebius/request.h"
#include "sample/sampler.h"
#include "sample/token_counts.h"
#include "schedule/snapshot_recorder.h"
#include "speculate/draft_history.h"
#include "speculate/ngram_index.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal {

// What is needed to start one.
struct SequenceSpec {
  RequestId id = 0;
  RequestId parent = 0;  // of a fork: 0 for none
  std::vector<int32_t> prompt;
  std::vector<int64_t> boundaries;  // see Prompt
  SamplingOptions sampling;
  int32_t vocab = 0;  // ids in use
  std::vector<int32_t> stop_ids;
  int64_t max_tokens = 128;
  SpeculationMode speculation;
  bool use_prefix_cache = true;
  std::optional<AnswerText> text;
  // Instead of the prompt look-up, for tests and measurements: drafts for the tokens from `position` on.
  std::function<std::vector<int32_t>(int64_t position, int64_t max_tokens)> drafts;
};

// What a token is drawn with, and what becomes of it.
struct Drawing {
  Sampler sampler;
  TokenCounts counts;
  std::optional<AnswerText> text;
};

struct Outcome {
  AnswerEnd end = AnswerEnd::kNone;
  std::optional<Error> error;
  Usage usage;
  double phase_start = 0;  // of waiting, taking in the prompt, decoding; on the scheduler's clock
};

// What it holds of the caches while it runs.
struct HeldMemory {
  std::unique_ptr<RunningState> state;
  std::vector<PageRef> pages;
  SnapshotRecorder recorder;
};

// Where its drafts come from.
struct DraftSources {
  DraftHistory history;
  NgramIndex ngrams;
  int64_t head_position = 0;  // pairs of (hidden state, next token) that the draft head has seen
  Tensor hidden;              // [DraftHead::kMaxPending, D] of the pairs from there on; no memory without a draft head
};

struct Sequence {
  explicit Sequence(SequenceSpec from)
      : spec(std::move(from)),
        tokens(spec.prompt),
        drawing{.sampler = Sampler(spec.sampling, spec.vocab), .counts = {}, .text = std::move(spec.text)} {
    for (const int32_t id : tokens) drawing.counts.add_prompt(id);
    for (const int32_t id : tokens) index(id);
    outcome.usage.prompt_tokens = std::ssize(tokens);
  }

  // Tokens that the state has not seen. One: the sequence decodes. More: it takes in its prompt, or, after it made room
  // for others, what it had.
  [[nodiscard]] int64_t missing() const { return std::ssize(tokens) - computed; }
  [[nodiscard]] bool decodes() const { return missing() == 1; }
  [[nodiscard]] bool has_ended() const { return outcome.end != AnswerEnd::kNone; }

  void append(int32_t id) {
    tokens.push_back(id);
    drawing.counts.add(id);
    index(id);
  }

  SequenceSpec spec;
  std::vector<int32_t> tokens;  // the prompt, then the answer
  int64_t computed = 0;         // of them, those that the state has seen
  Drawing drawing;
  Outcome outcome;
  HeldMemory held;
  DraftSources drafts;

 private:
  void index(int32_t id) {
    if (spec.speculation.ngram && !spec.drafts) drafts.ngrams.append(id);
  }
};

}  // namespace moebius::internal
