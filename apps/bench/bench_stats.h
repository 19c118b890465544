// Order statistics of repetitions. Pure functions over numbers; no clock.
#pragma once

#include <vector>

namespace moebius::internal::apps {

// Needs at least one value. Returns the mean of the middle two values when their count is even.
double median(std::vector<double> values);
double smallest(const std::vector<double>& values);
double largest(const std::vector<double>& values);

// Returns a[i] / b[i]. Interleaved repetitions are compared pair by pair, because runs close in time see the machine in
// the same state.
std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace moebius::internal::apps
