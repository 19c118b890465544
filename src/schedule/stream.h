// One request on its way: its tokens, where it stands, what it draws with, what it holds of the caches. Plain data for
// the scheduler; the words of requests are prompt.h's, the words of answers answer_text.h's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/answer_text.h"
#include "moebius/engine.h"
#include "sample/sampler.h"
#include "sample/token_counts.h"
#include "schedule/recorder.h"
#include "speculate/draft_history.h"
#include "speculate/ngram_index.h"
#include "speculate/speculation_mode.h"

namespace moebius {

// What is needed to start one.
struct StreamSpec {
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
  std::function<std::vector<int32_t>(int64_t position, int64_t most)> drafts;
};

struct Stream {
  explicit Stream(StreamSpec from)
      : spec(std::move(from)), tokens(spec.prompt), sampler(spec.sampling, spec.vocab), text(std::move(spec.text)) {
    for (const int32_t id : tokens) append_to_history(id, true);
    usage.prompt_tokens = static_cast<int64_t>(tokens.size());
  }

  // Tokens that the state has not seen. One: the stream decodes. More: it takes in its prompt, or, after it made room
  // for others, what it had.
  [[nodiscard]] int64_t missing() const { return static_cast<int64_t>(tokens.size()) - computed; }
  [[nodiscard]] bool decodes() const { return missing() == 1; }
  [[nodiscard]] bool has_ended() const { return end != AnswerEnd::kNone; }

  void append_to_history(int32_t id, bool is_prompt) {
    is_prompt ? counts.add_prompt(id) : counts.add(id);
    if (spec.speculation.ngram && !spec.drafts) ngrams.append(id);
  }

  StreamSpec spec;
  std::vector<int32_t> tokens;  // the prompt, then the answer
  int64_t computed = 0;         // of them, those that the state has seen
  Sampler sampler;
  TokenCounts counts;
  std::optional<AnswerText> text;
  AnswerEnd end = AnswerEnd::kNone;
  std::optional<Error> error;
  Usage usage;
  double since = 0;  // of the phase it is in, on the scheduler's clock

  // What it holds while it runs.
  std::unique_ptr<RunningState> state;
  std::vector<PageRef> pages;
  Recorder recorder;

  // Its drafts.
  DraftHistory drafts;
  NgramIndex ngrams;
  int64_t head_position = 0;  // pairs of (hidden state, next token) that the draft head has seen
  Tensor hidden;              // [kMostPending, D] of the pairs from there to `computed`; no data without a draft head
};

}  // namespace moebius
