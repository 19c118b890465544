// What perplexity and divergence are made of: how likely a row of logits makes a token, and how far two rows are apart.
// Sums in double, so that figures do not depend on the size of the vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moebius::internal::apps {

// Natural logarithms of the probabilities of one row of logits [V].
std::vector<double> log_softmax(std::span<const float> logits);

// sum over tokens of p * (log p - log q), both [V] as log_softmax gives them; nats, at least 0 but for rounding.
double divergence(std::span<const double> log_p, std::span<const double> log_q);

// Mean of a sample and how well it is known.
struct Estimate {
  double mean = 0;
  double standard_error = 0;  // 0 for fewer than two values
};
Estimate estimate(std::span<const double> values);

// The value that a share `rank` (0 to 1) of the sample does not exceed; 0 of an empty one.
double quantile(std::vector<double> values, double rank);

}  // namespace moebius::internal::apps
