// A sequence is a waiting or running request: its tokens, its progress, its sampler, its part of the caches, and the
// sources of its drafts. It is plain data for the scheduler. This file contains no text processing: prompt.h reads the
// text of requests, and answer_text.h writes the text of answers.
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

// Everything that is needed to start a sequence.
struct SequenceSpec {
  RequestId id = 0;
  RequestId parent = 0;  // the request that this one is a fork of; 0: none
  std::vector<int32_t> prompt;
  std::vector<int64_t> boundaries;  // see Prompt::boundaries
  SamplingOptions sampling;
  int32_t vocab = 0;  // the number of token ids in use
  std::vector<int32_t> stop_ids;
  int64_t max_tokens = 128;
  SpeculationMode speculation;
  bool use_prefix_cache = true;
  std::optional<AnswerText> text;
  // For tests and measurements: returns drafts for the tokens from `position` on. It replaces the prompt look-up.
  std::function<std::vector<int32_t>(int64_t position, int64_t max_tokens)> drafts;
};

// The sampler that draws the tokens, and the text that the drawn tokens become.
struct Drawing {
  Sampler sampler;
  TokenCounts counts;
  std::optional<AnswerText> text;
};

struct Outcome {
  AnswerEnd end = AnswerEnd::kNone;
  std::optional<Error> error;
  Usage usage;
  // The start of the present phase, on the scheduler's clock. The phases are: waiting, prompt processing, decoding.
  double phase_start = 0;
};

// The state, the pages and the snapshots that a sequence holds while it runs.
struct HeldMemory {
  std::unique_ptr<RunningState> state;
  std::vector<PageRef> pages;
  SnapshotRecorder recorder;
};

// The data from which the drafts of a sequence are made.
struct DraftSources {
  DraftHistory history;
  NgramIndex ngrams;
  int64_t head_position = 0;  // how many pairs of (hidden state, next token) the draft head has seen
  // [DraftHead::kMaxPending, D]: the hidden states of the pairs from head_position on. The tensor has no memory when
  // the draft head does not draft for this sequence.
  Tensor hidden;
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

  // How many tokens the state has not seen. If it is one token, the sequence decodes. If there are more, the sequence
  // processes its prompt, or, after a preemption, all tokens that it had.
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
  int64_t computed = 0;         // how many of `tokens` the state has seen
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
