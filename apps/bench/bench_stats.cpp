// See bench/bench_stats.h.
#include "bench/bench_stats.h"

#include <algorithm>

#include "base/check.h"

namespace moebius::internal::apps {

double median(std::vector<double> values) {
  MOEBIUS_CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2.0;
}

double smallest(const std::vector<double>& values) { return *std::ranges::min_element(values); }
double largest(const std::vector<double>& values) { return *std::ranges::max_element(values); }

std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b) {
  MOEBIUS_CHECK(a.size() == b.size());
  std::vector<double> result(a.size());
  for (size_t i = 0; i < a.size(); ++i) result[i] = a[i] / b[i];
  return result;
}

}  // namespace moebius::internal::apps
