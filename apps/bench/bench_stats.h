// Order statistics of repetitions. Pure functions over numbers; no clock.
#pragma once

#include <vector>

namespace moebius::internal::apps {

// Of at least one value; the mean of the middle two when their count is even.
double median(std::vector<double> values);
double smallest(const std::vector<double>& values);
double largest(const std::vector<double>& values);

// a[i] / b[i]: what interleaved repetitions are compared by, because neighbours in time share the machine's mood.
std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace moebius::internal::apps
