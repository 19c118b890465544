// The filter, and the curve through what it knows.
#include "speculate/cost_model.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "base/check.h"

namespace moebius {
namespace {

constexpr double kNoise = 0.08;       // of one step, relative: a quiet desktop has 0.03, a shared server 0.1 and spikes
constexpr double kScaleWalk = 0.02;   // a step
constexpr double kRatioWalk = 0.001;  // a step
constexpr double kFarOut = 3;         // standard deviations

double square(double x) { return x * x; }

struct Knot {
  double rows;
  double ratio;
};

// A 35B-A3B of 4 bits on a CPU: 2 rows 1.36 x, 4 rows 2.0 x, 8 rows 3.41 x, 16 rows 6.0 x of one row. Rows share what
// all read, and experts by chance.
constexpr Knot kPrior[] = {{1, 1}, {4, 2.02}, {8, 3.38}, {16, 6}, {64, 18}};

// One measured row count, or several that were pooled because they fell as rows grew.
struct Pool {
  int64_t first, last;
  double weight;
  double value;
};

void pool_falling(std::vector<Pool>& pools) {
  while (pools.size() > 1 && pools[pools.size() - 2].value > pools.back().value) {
    const Pool right = pools.back();
    pools.pop_back();
    Pool& left = pools.back();
    const double weight = left.weight + right.weight;
    left = {left.first, right.last, weight, (left.value * left.weight + right.value * right.weight) / weight};
  }
}

// How much steeper than the prior the measured part is. A span of a few rows says little in the noise, hence the weight
// of the prior's own slope.
double steepness(const Pool& low, const Pool& high) {
  constexpr double kDoubt = 0.15;
  const double level = high.value / StepCost::prior_ratio(static_cast<double>(high.last));
  const double span =
      StepCost::prior_ratio(static_cast<double>(high.last)) - StepCost::prior_ratio(static_cast<double>(low.first));
  const double doubt = kDoubt * StepCost::prior_ratio(static_cast<double>(high.last));
  return (high.value - low.value + doubt * level) / (span + doubt);
}

// The curve at a row count outside or between the pools, which are ascending.
double ratio_at(std::span<const Pool> pools, int64_t rows) {
  const double prior = StepCost::prior_ratio(static_cast<double>(rows));
  const auto above = std::find_if(pools.begin(), pools.end(), [&](const Pool& pool) { return pool.last >= rows; });
  if (above != pools.end() && above->first <= rows) return above->value;
  const double slope = steepness(pools.front(), pools.back());
  if (above == pools.end()) {
    const Pool& below = pools.back();
    return below.value + slope * (prior - StepCost::prior_ratio(static_cast<double>(below.last)));
  }
  const double prior_above = StepCost::prior_ratio(static_cast<double>(above->first));
  if (above == pools.begin()) {
    const double shared_nothing = above->value * static_cast<double>(rows) / static_cast<double>(above->first);
    return std::max(shared_nothing, above->value - slope * (prior_above - prior));
  }
  const Pool& below = above[-1];
  const double prior_below = StepCost::prior_ratio(static_cast<double>(below.last));
  return below.value + (above->value - below.value) * (prior - prior_below) / (prior_above - prior_below);
}

}  // namespace

double StepCost::prior_ratio(double rows) {
  const Knot* right = std::begin(kPrior) + 1;
  while (right + 1 != std::end(kPrior) && right->rows < rows) ++right;
  const Knot& left = right[-1];
  return left.ratio + (rows - left.rows) * (right->ratio - left.ratio) / (right->rows - left.rows);
}

int64_t StepCost::observations(int64_t rows) const { return rows <= kMostRows ? ratios_[rows].observations : 0; }

void StepCost::observe(int64_t rows, double seconds) {
  MOEBIUS_CHECK(rows >= 1 && seconds >= 0);
  if (rows > kMostRows || seconds == 0) return;
  const double log_seconds = std::log(seconds);
  Ratio& ratio = ratios_[rows];
  if (steps_ == 0) scale_ = log_seconds - std::log(prior_ratio(static_cast<double>(rows)));
  ++steps_;
  scale_variance_ += square(kScaleWalk);
  if (ratio.observations < kTrusted) {
    learn(ratio, log_seconds);
  } else {
    correct(ratio, log_seconds);
  }
  ++ratio.observations;
  ratio.last_step = steps_;
  draw_curve();
}

void StepCost::learn(Ratio& ratio, double log_seconds) const {
  ratio.first[ratio.observations] = log_seconds - scale_;
  const int64_t count = ratio.observations + 1;
  std::vector<double> sorted(ratio.first.begin(), ratio.first.begin() + count);
  std::sort(sorted.begin(), sorted.end());
  ratio.value = sorted[(count - 1) / 2];
  ratio.variance = square(kNoise) / static_cast<double>(count);
}

void StepCost::correct(Ratio& ratio, double log_seconds) {
  const double age = static_cast<double>(steps_ - ratio.last_step);
  ratio.variance = std::min(ratio.variance + age * square(kRatioWalk), square(kNoise));
  const double variance = scale_variance_ + ratio.variance + square(kNoise);
  const double error = log_seconds - scale_ - ratio.value;
  if (is_surprise(ratio, error, variance)) return;
  scale_ += error * scale_variance_ / variance;
  ratio.value += error * ratio.variance / variance;
  scale_variance_ -= square(scale_variance_) / variance;
  ratio.variance -= square(ratio.variance) / variance;
}

// A step far out changes nothing, until it is one too many of its kind.
bool StepCost::is_surprise(Ratio& ratio, double error, double variance) {
  constexpr int64_t kTooMany = 3;
  if (std::abs(error) <= kFarOut * std::sqrt(variance)) {
    surprises_ = ratio.surprises = 0;
    return false;
  }
  const int64_t sign = error > 0 ? 1 : -1;
  for (int64_t* count : {&surprises_, &ratio.surprises}) *count = *count * sign > 0 ? *count + sign : sign;
  if (std::abs(surprises_) >= kTooMany) {
    scale_ += error;
    surprises_ = ratio.surprises = 0;
  } else if (std::abs(ratio.surprises) >= kTooMany) {
    ratio.value += error;
    surprises_ = ratio.surprises = 0;
  }
  return true;
}

void StepCost::draw_curve() {
  std::vector<Pool> pools;
  for (int64_t rows = 1; rows <= kMostRows; ++rows) {
    const Ratio& ratio = ratios_[rows];
    if (ratio.observations == 0) continue;
    const auto weight = static_cast<double>(std::min<int64_t>(ratio.observations, 32));
    pools.push_back({rows, rows, weight, std::exp(ratio.value)});
    pool_falling(pools);
  }
  const double scale = std::exp(scale_);
  for (int64_t rows = 1; rows <= kMostRows; ++rows) curve_[rows] = scale * ratio_at(pools, rows);
}

double StepCost::seconds(int64_t rows) const {
  MOEBIUS_CHECK(known() && rows >= 1);
  if (rows <= kMostRows) return curve_[rows];
  const double slope = (curve_[kMostRows] - curve_[kMostRows / 2]) / (kMostRows - kMostRows / 2);
  return curve_[kMostRows] + slope * static_cast<double>(rows - kMostRows);
}

int64_t StepCost::measured_below(int64_t rows, int64_t observations) const {
  int64_t measured = std::min(rows, kMostRows);
  while (measured > 0 && ratios_[measured].observations < observations) --measured;
  return measured;
}

bool StepCost::is_measured(int64_t rows) const {
  constexpr int64_t kClose = 8;  // within an eighth
  const int64_t reach = (rows - 1) / kClose;
  for (int64_t near = rows - reach; near <= std::min(rows + reach, kMostRows); ++near) {
    if (ratios_[near].observations >= kTrusted) return true;
  }
  return rows > kMostRows;
}

double StepCost::careful_seconds(int64_t rows) const {
  const int64_t below = measured_below(rows, 1);
  if (below == rows || below == 0) return seconds(rows);
  return std::max(seconds(rows), seconds(below) * static_cast<double>(rows) / static_cast<double>(below));
}

double StepCost::hopeful_seconds(int64_t rows) const {
  if (is_measured(rows)) return seconds(rows);
  const int64_t below = measured_below(rows, kTrusted);
  return below == 0 ? seconds(rows) : seconds(below);
}

}  // namespace moebius
