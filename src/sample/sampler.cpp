// The order of steps, and the draw.
#include "sample/sampler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/fmath.h"
#include "sample/filters.h"
#include "sample/penalties.h"
#include "sample/philox.h"

namespace moebius::internal {
namespace {

// floor(bits / 2^64 * whole) + 1: uniform in [1, whole]. The bias is below whole / 2^64.
uint64_t uniform_weight(uint64_t bits, uint64_t whole) {
  using Product = unsigned __int128;
  return static_cast<uint64_t>(Product{bits} * whole >> 64) + 1;
}

void forbid(std::span<float> logits, TokenMask mask) {
  MOEBIUS_CHECK(mask.size() == (logits.size() + 31) / 32);
  bool is_any_allowed = false;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (is_allowed(mask, id)) {
      is_any_allowed = true;
    } else {
      logits[id] = -std::numeric_limits<float>::infinity();
    }
  }
  MOEBIUS_CHECK(is_any_allowed);
}

}  // namespace

Sampler::Sampler(SamplingOptions options, int32_t vocab) : options_(std::move(options)), vocab_(vocab) {
  check(options_, vocab);
}

Draw Sampler::draw(std::span<const float> logits, const History& history, int64_t position, TokenMask mask) {
  MOEBIUS_CHECK(logits.size() >= static_cast<size_t>(vocab_));
  logits = logits.first(static_cast<size_t>(vocab_));
  scan_.read(adjusted(logits, history, mask), options_.temperature);
  Draw draw;
  draw.token = options_.temperature > 0 ? choose(position) : scan_.likeliest();
  if (options_.logprobs >= 0) tell_logprobs(draw, logits);
  return draw;
}

std::span<const float> Sampler::adjusted(std::span<const float> logits, const History& history, TokenMask mask) {
  if (!adjusts(options_) && mask.empty()) return logits;
  adjusted_.assign(logits.begin(), logits.end());
  if (!mask.empty()) forbid(adjusted_, mask);
  adjust(adjusted_, options_, history);
  return adjusted_;
}

int32_t Sampler::choose(int64_t position) {
  const uint64_t bits = random_bits(options_.seed, position);
  uint64_t weight = 0;
  if (options_.top_k == 0 && options_.top_p == 1 && options_.min_p == 0) {
    // All tokens are allowed, so those after the drawn one need not be looked at.
    weight = uniform_weight(bits, scan_.weight());
    scan_.collect_weight(candidates_, weight);
  } else {
    keep_allowed(candidates_, scan_, options_);
    weight = uniform_weight(bits, sum_weights(candidates_));
  }
  keep_weight(candidates_, weight);
  return candidates_.back().id;
}

void Sampler::tell_logprobs(Draw& draw, std::span<const float> logits) {
  scan_.read(logits, 1);
  const float unit = 1.0f / static_cast<float>(kTopWeight);
  const float log_sum = fmath::log(static_cast<float>(scan_.weight()) * unit);
  draw.logprob = scan_.x(logits[static_cast<size_t>(draw.token)]) - log_sum;
  if (options_.logprobs == 0) return;
  scan_.collect_best(candidates_, static_cast<size_t>(options_.logprobs));
  std::sort(candidates_.begin(), candidates_.end(), before);
  for (const Candidate& one : candidates_) draw.top.push_back({one.id, scan_.x(one.logit) - log_sum});
}

}  // namespace moebius::internal
