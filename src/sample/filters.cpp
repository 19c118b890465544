// The filters, over integer weights.
#include "sample/filters.h"

#include <algorithm>
#include <cmath>

#include "base/fmath.h"

namespace moebius::internal {
namespace {

// The smallest weight w with w >= top_p * whole. It is at least 1, so that one token stays.
uint64_t top_p_weight(float top_p, uint64_t whole) {
  const double weight = std::ceil(static_cast<double>(top_p) * static_cast<double>(whole));
  return std::max<uint64_t>(static_cast<uint64_t>(weight), 1);
}

// A token at least min_p times as likely as the likeliest has at least this x.
float min_p_x(float min_p) {
  constexpr float kSmallestNormal = 0x1p-126f;  // the least that log takes; far below the last token that has a weight
  return std::max(fmath::log(std::max(min_p, kSmallestNormal)), kNoWeight);
}

}  // namespace

void keep_allowed(std::vector<Candidate>& out, const LogitScan& logits, const SamplingOptions& options) {
  const float lowest_x = min_p_x(options.min_p);
  const bool cuts_weight = options.top_p < 1;
  if (options.top_k > 0) {
    logits.collect_best(out, static_cast<size_t>(options.top_k));
    if (cuts_weight) keep_weight(out, top_p_weight(options.top_p, sum_weights(out)));
  } else if (cuts_weight) {
    const uint64_t weight = top_p_weight(options.top_p, logits.weight());
    logits.collect_weight(out, weight);
    keep_weight(out, weight);
  } else {
    logits.collect_above(out, lowest_x);
  }
  std::erase_if(out, [&](const Candidate& candidate) { return logits.x(candidate.logit) < lowest_x; });
}

}  // namespace moebius::internal
