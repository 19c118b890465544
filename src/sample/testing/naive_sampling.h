// For tests only: sampling as a textbook has it. Sorts the vocabulary, adds in plain loops, computes in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sample/logit_scan.h"
#include "sample/sampling_options.h"

namespace moebius::internal::testing {

struct NaiveToken {
  int32_t id;
  double logit;
  double probability;  // after the temperature, among all tokens
};

// All tokens but those at -infinity, the likeliest first. Of equals the lower id comes first.
inline std::vector<NaiveToken> naive_order(const std::vector<float>& logits, double temperature) {
  std::vector<NaiveToken> tokens;
  double sum = 0;
  const double largest = *std::max_element(logits.begin(), logits.end());
  for (size_t id = 0; id < logits.size(); ++id) {
    if (std::isinf(logits[id])) continue;
    const double weight = std::exp((static_cast<double>(logits[id]) - largest) / temperature);
    tokens.push_back({static_cast<int32_t>(id), logits[id], weight});
    sum += weight;
  }
  for (NaiveToken& token : tokens) token.probability /= sum;
  std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.logit > b.logit; });
  return tokens;
}

inline double naive_sum(const std::vector<NaiveToken>& tokens) {
  double sum = 0;
  for (const NaiveToken& token : tokens) sum += token.probability;
  return sum;
}

// What the filters leave, renormalised. A positive slack loosens top-p and min-p by that much probability, a negative
// one tightens them. Rounding may decide about what lies between the two.
inline std::vector<NaiveToken> naive_allowed(const std::vector<float>& logits, const SamplingOptions& options,
                                             double slack) {
  std::vector<NaiveToken> tokens = naive_order(logits, options.temperature);
  const auto keep = [&](size_t count) { tokens.resize(std::clamp<size_t>(count, 1, tokens.size())); };
  if (options.top_k > 0) keep(static_cast<size_t>(options.top_k));
  if (options.top_p < 1) {
    const double whole = naive_sum(tokens);
    double before_it = 0;
    size_t count = 0;
    while (count < tokens.size() && before_it < (options.top_p + slack) * whole)
      before_it += tokens[count++].probability;
    keep(count);
  }
  const double least = (options.min_p - slack) * tokens[0].probability;
  keep(static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(),
                                         [&](const NaiveToken& token) { return token.probability >= least; })));
  const double whole = naive_sum(tokens);
  for (NaiveToken& token : tokens) token.probability /= whole;
  return tokens;
}

}  // namespace moebius::internal::testing
