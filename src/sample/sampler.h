// Chooses a token from a row of logits, in this order:
//   1. Ids from vocab on are padding: they do not exist. Tokens that a constraint's mask forbids are left out too.
//   2. logit_bias is added.
//   3. Penalties. First repetition_penalty r, for tokens of prompt and answer: z < 0 ? z * r : z / r (transformers).
//      Then z - frequency * count, then z - presence, for tokens of the answer alone (OpenAI; in vLLM's order).
//   4. temperature divides. With temperature 0 the likeliest token is taken and steps 5 to 8 are left out.
//   5. top-k keeps the first k. Of equals the lower id comes first, so k are left (transformers keeps all equals of the
//      last one).
//   6. top-p renormalises what is left, and keeps the fewest first tokens whose probabilities reach top_p.
//   7. min-p keeps tokens at least min_p times as likely as the likeliest.
//   8. One of the remaining tokens is drawn, by its probability.
// Steps 4 to 7 have the order of transformers (generate), because the settings on model cards are written for it. (In
// llama.cpp and mlx-lm the temperature comes last, so their top-p and min-p see another distribution.)
//
// The draw is a function of logits, history, seed and position alone. Tokens are ordered by (logit descending, id
// ascending). The drawn token is the one at which the sum of integer weights (weight.h) reaches a random number of the
// seed and the position (philox.h). A token is therefore the same alone or in a batch, drafted or not, on every
// machine.
#pragma once

#include <span>

#include "sample/logit_scan.h"
#include "sample/sampling_options.h"
#include "sample/token_counts.h"
#include "sample/token_mask.h"

namespace moebius::internal {

class Sampler {
 public:
  // vocab: ids in use. Throws kUsage (see check).
  Sampler(SamplingOptions options, int32_t vocab);

  // logits: [V], V >= vocab. position: that of the drawn token, from the start of the sequence, prompt included. mask:
  // allows at least one id in use. Throws kNonFinite (see LogitScan::read).
  // The logprobs are those of the model, before mask, bias, penalties and temperature, as OpenAI's interface and vLLM
  // have them.
  Draw draw(std::span<const float> logits, const History& history, int64_t position, TokenMask mask = {});

  [[nodiscard]] const SamplingOptions& options() const { return options_; }
  [[nodiscard]] int32_t vocab() const { return vocab_; }

 private:
  std::span<const float> adjusted(std::span<const float> logits, const History& history, TokenMask mask);
  int32_t choose(int64_t position);
  void tell_logprobs(Draw& draw, std::span<const float> logits);

  SamplingOptions options_;
  int32_t vocab_;
  // The members below are kept for their memory alone.
  LogitScan scan_;
  std::vector<float> adjusted_;  // [vocab]
  std::vector<Candidate> candidates_;
};

}  // namespace moebius::internal
