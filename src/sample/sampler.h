// Chooses a token from a row of logits, in this order:
//   1. Padding: ids from vocab on do not exist. Nor do tokens that a constraint's mask forbids.
//   2. logit_bias is added.
//   3. Penalties. First repetition_penalty r, for tokens of prompt and answer: z < 0 ? z * r : z / r (transformers).
//      Then z - frequency * count, then z - presence, for tokens of the answer alone (OpenAI; in vLLM's order).
//   4. temperature divides. With 0 the likeliest token is taken and what follows is left out.
//   5. top-k: the first k. Of equals the lower id comes first, so k are left (transformers keeps equals of the last).
//   6. top-p: of what is left, renormalised, the fewest first ones whose probabilities reach top_p.
//   7. min-p: tokens at least min_p times as likely as the likeliest.
//   8. One of the rest is drawn, by its probability.
// 4 to 7 are the order of transformers (generate), for which the settings on model cards are written. (In llama.cpp and
// mlx-lm the temperature comes last, so their top-p and min-p see another distribution.)
//
// The draw is a function of logits, history, seed and position alone. Tokens are ordered by (logit descending, id
// ascending), and the one is drawn at which the sum of integer weights (weight.h) passes a random number of the seed
// and the position (philox.h). So a token is the same alone or in a batch, drafted or not, on every machine.
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

  // logits: [V], V >= vocab. position: of the drawn token, from the start of the sequence, prompt included. mask:
  // allows at least one id in use. Throws kNonFinite (see LogitScan::read).
  // Logprobs are those of the model, before mask, bias, penalties and temperature, as OpenAI's interface and vLLM have
  // them.
  Draw draw(std::span<const float> logits, const History& history, int64_t position, TokenMask mask = {});

  [[nodiscard]] const SamplingOptions& options() const { return options_; }
  [[nodiscard]] int32_t vocab() const { return vocab_; }

 private:
  std::span<const float> adjusted(std::span<const float> logits, const History& history, TokenMask mask);
  int32_t choose(int64_t position);
  void tell_logprobs(Draw& draw, std::span<const float> logits);

  SamplingOptions options_;
  int32_t vocab_;
  // What follows is kept for its memory alone.
  LogitScan scan_;
  std::vector<float> adjusted_;  // [vocab]
  std::vector<Candidate> candidates_;
};

}  // namespace moebius::internal
