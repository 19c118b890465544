// The arithmetic behind perplexity and divergence: how likely a row of logits makes a token, and how far two rows are
// apart. Sums are in double, so that the figures do not depend on the size of the vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moebius::internal::apps {

// Returns the natural logarithms of the probabilities [V] of one row of logits [V].
std::vector<double> log_softmax(std::span<const float> logits);

// Returns the sum over tokens of p * (log p - log q), in nats. Both arguments are [V] and come from log_softmax(). The
// result is at least 0 up to rounding.
double divergence(std::span<const double> log_p, std::span<const double> log_q);

// Mean of a sample and its standard error.
struct Estimate {
  double mean = 0;
  double standard_error = 0;  // 0 for fewer than two values
};
Estimate estimate(std::span<const double> values);

// Returns the value that a share `rank` (0 to 1) of the sample does not exceed. Returns 0 for an empty sample.
double quantile(std::vector<double> values, double rank);

}  // namespace moebius::internal::apps
