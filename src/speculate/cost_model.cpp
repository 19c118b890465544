// The Kalman filter, and the cost curve through the ratios that it estimates.
#include "speculate/cost_model.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"

namespace moebius::internal {
namespace {

// Standard deviations, in log seconds. The noise of a step is 0.03 on a quiet desktop. On a shared server it is 0.1,
// and there are spikes.
constexpr double kNoise = 0.08;
constexpr double kScaleWalk = 0.01;   // the random walk of the scale, in one step
constexpr double kRatioWalk = 0.001;  // the random walk of a ratio, in one step

constexpr double kOutlier = 3;      // a step is an outlier beyond this number of standard deviations
constexpr double kLogHalf = -0.69;  // the logarithm of one half

double square(double x) { return x * x; }

struct Knot {
  double rows;
  double ratio;
};

// Measured with a 35B-A3B model of 4 bits on a CPU: 2 rows took 1.36 x, 4 rows 2.0 x, 8 rows 3.41 x and 16 rows 6.0 x
// the time of one row. All rows share the weights that every row reads. They share experts only by chance.
constexpr Knot kPrior[] = {{1, 1}, {4, 2.02}, {8, 3.38}, {16, 6}, {64, 18}};

std::array<double, StepCost::kMaxRows + 1> prior_table() {
  std::array<double, StepCost::kMaxRows + 1> table = {};
  for (int64_t rows = 1; rows <= StepCost::kMaxRows; ++rows) {
    table[rows] = StepCost::prior_ratio(static_cast<double>(rows));
  }
  return table;
}

double prior(int64_t rows) {
  static const std::array<double, StepCost::kMaxRows + 1> table = prior_table();
  return table[rows];
}

// One measured row count, or several row counts that were pooled because their ratios fell as the rows grew.
struct Pool {
  int64_t first, last;
  double weight;
  double value;
};

// Merges the last pools until their values ascend (pool adjacent violators).
void pool_adjacent_violators(std::vector<Pool>& pools) {
  while (pools.size() > 1 && pools[pools.size() - 2].value > pools.back().value) {
    const Pool right = pools.back();
    pools.pop_back();
    Pool& left = pools.back();
    const double weight = left.weight + right.weight;
    left = {left.first, right.last, weight, (left.value * left.weight + right.value * right.weight) / weight};
  }
}

// How much steeper than the prior the measured part of the curve is. Over a span of a few rows the noise hides most of
// the slope, so the slope of the prior enters with a weight of its own.
double steepness(const Pool& low, const Pool& high) {
  constexpr double kDoubt = 0.15;
  const double level = high.value / prior(high.last);
  const double doubt = kDoubt * prior(high.last);
  return (high.value - low.value + doubt * level) / (prior(high.last) - prior(low.first) + doubt);
}

double ratio_below_all(const Pool& pool, double slope, int64_t rows) {
  const double shared_nothing = pool.value * static_cast<double>(rows) / static_cast<double>(pool.first);
  return std::max(shared_nothing, pool.value - slope * (prior(pool.first) - prior(rows)));
}

double ratio_between(const Pool& below, const Pool& above, int64_t rows) {
  const double part = (prior(rows) - prior(below.last)) / (prior(above.first) - prior(below.last));
  return below.value + (above.value - below.value) * part;
}

}  // namespace

double StepCost::prior_ratio(double rows) {
  const Knot* right = std::begin(kPrior) + 1;
  while (right + 1 != std::end(kPrior) && right->rows < rows) ++right;
  const Knot& left = right[-1];
  return left.ratio + (rows - left.rows) * (right->ratio - left.ratio) / (right->rows - left.rows);
}

int64_t StepCost::observations(int64_t rows) const { return rows <= kMaxRows ? ratios_[rows].observations : 0; }

void StepCost::observe(int64_t rows, double seconds) {
  MOEBIUS_CHECK(rows >= 1 && seconds >= 0);
  if (rows > kMaxRows || seconds == 0) return;
  const double log_seconds = std::log(seconds);
  if (!known()) {
    start_from_first_observation(rows, log_seconds);
  } else {
    add_process_noise();
    lower_scale_if_faster_than_fewer_rows(rows, log_seconds);
    ratios_[rows].observations == 0 ? initialize_ratio(rows, log_seconds) : correct_state(rows, log_seconds);
  }
  ++ratios_[rows].observations;
  ratios_[rows].is_current = true;
  rebuild_curve();
}

// The prediction step of the filter: everything that follows a random walk becomes less certain.
void StepCost::add_process_noise() {
  covariance_[0][0] += square(kScaleWalk);
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    if (ratios_[rows].observations > 0 && rows != reference_) covariance_[rows][rows] += square(kRatioWalk);
  }
}

// More rows never take less time than fewer rows. When a row count with few observations takes less than half of the
// time expected of fewer rows, the machine has become faster.
void StepCost::lower_scale_if_faster_than_fewer_rows(int64_t rows, double log_seconds) {
  const int64_t fewer = trusted_below(rows);
  if (fewer == 0 || ratios_[rows].observations >= kTrustedObservations) return;
  const double difference = log_seconds - std::log(expected_[fewer]);
  if (difference < kLogHalf) shift_state(0, difference);
}

// The first step of a row count may have been slow by chance. Until its ratio is trusted, it is bounded by a little
// more than the time of rows that share nothing.
double StepCost::plausible_ratio(int64_t rows) const {
  constexpr double kMaxExcess = 1.5;
  const double ratio = std::exp(state_[rows]);
  const int64_t fewer = trusted_below(rows);
  if (fewer == 0 || ratios_[rows].observations >= kTrustedObservations) return ratio;
  return std::min(ratio, std::exp(state_[fewer]) * kMaxExcess * static_cast<double>(rows) / static_cast<double>(fewer));
}

void StepCost::start_from_first_observation(int64_t rows, double log_seconds) {
  reference_ = last_inlier_rows_ = rows;
  state_[rows] = std::log(prior(rows));
  state_[0] = log_seconds - state_[rows];
  covariance_[0][0] = square(kNoise);
}

// Sets ratio = log seconds - scale. The true ratio also contains the noise of this step. The covariances follow from
// ratio = log seconds - scale - noise.
void StepCost::initialize_ratio(int64_t rows, double log_seconds) {
  last_inlier_rows_ = 0;
  state_[rows] = log_seconds - state_[0];
  for (int64_t i = 0; i <= kMaxRows; ++i) covariance_[rows][i] = covariance_[i][rows] = -covariance_[0][i];
  covariance_[rows][rows] = covariance_[0][0] + square(kNoise);
}

void StepCost::correct_state(int64_t rows, double log_seconds) {
  const double innovation = log_seconds - state_[0] - state_[rows];
  const double variance = covariance_[0][0] + 2 * covariance_[0][rows] + covariance_[rows][rows] + square(kNoise);
  const bool is_outlier = std::abs(innovation) > kOutlier * std::sqrt(variance);
  if (ratios_[rows].observations < kTrustedObservations && is_outlier && innovation < 0) {
    initialize_ratio(rows, log_seconds);
  } else if (is_outlier) {
    handle_outlier(rows, innovation);
  } else {
    outliers_ = ratios_[rows].outliers = {};
    last_inlier_rows_ = rows;
    apply_kalman_update(rows, innovation, variance);
  }
}

// `variance` is the variance of the innovation.
void StepCost::apply_kalman_update(int64_t rows, double innovation, double variance) {
  Vector with_observation = {};  // the covariance of every state with the observation
  for (int64_t i = 0; i <= kMaxRows; ++i) with_observation[i] = covariance_[i][0] + covariance_[i][rows];
  for (int64_t i = 0; i <= kMaxRows; ++i) {
    if (with_observation[i] == 0) continue;
    state_[i] += with_observation[i] / variance * innovation;
    for (int64_t j = 0; j <= kMaxRows; ++j) covariance_[i][j] -= with_observation[i] * with_observation[j] / variance;
  }
}

void StepCost::handle_outlier(int64_t rows, double innovation) {
  constexpr int64_t kLongRun = 16;  // outliers of any row count that move the scale
  constexpr int64_t kTooMany = 4;   // outliers of one row count that move its ratio
  Ratio& ratio = ratios_[rows];
  const int64_t inlier_rows = std::exchange(last_inlier_rows_, 0);
  for (OutlierRun* run : {&outliers_, &ratio.outliers}) {
    const bool continues = run->count > 0 && (run->smallest_innovation > 0) == (innovation > 0);
    const bool is_smallest = !continues || std::abs(innovation) < std::abs(run->smallest_innovation);
    *run = {continues ? run->count + 1 : 1, is_smallest ? innovation : run->smallest_innovation};
  }
  const bool others_were_as_predicted = inlier_rows != 0 && inlier_rows != rows;
  if (innovation < kLogHalf && others_were_as_predicted) {
    const double log_seconds = state_[0] + state_[rows] + innovation;
    *this = StepCost();
    start_from_first_observation(rows, log_seconds);
  } else if (innovation < kLogHalf) {
    shift_state(0, innovation);
  } else if (outliers_.count >= kLongRun) {
    shift_state(0, outliers_.smallest_innovation);
  } else if (ratio.outliers.count >= kTooMany && outliers_.count < ratio.outliers.count) {
    shift_state(rows, ratio.outliers.smallest_innovation);
  }
}

// Other row counts may have changed as well, so none is current until it is observed again.
void StepCost::shift_state(int64_t index, double by) {
  state_[index] += by;
  outliers_ = {};
  for (Ratio& ratio : ratios_) {
    ratio.outliers = {};
    ratio.is_current = false;
  }
}

int64_t StepCost::trusted_below(int64_t rows) const {
  for (--rows; rows > 0 && ratios_[rows].observations < kTrustedObservations;) --rows;
  return rows;
}

void StepCost::rebuild_curve() {
  std::vector<Pool> pools;
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    const Ratio& ratio = ratios_[rows];
    if (ratio.observations == 0) continue;
    const auto weight = static_cast<double>(std::min<int64_t>(ratio.observations, 32));
    pools.push_back({rows, rows, weight, plausible_ratio(rows)});
    pool_adjacent_violators(pools);
  }
  const double scale = std::exp(state_[0]);
  const double slope = steepness(pools.front(), pools.back());
  size_t next = 0;  // the pool that ends at or behind these rows
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    while (next < pools.size() && pools[next].last < rows) ++next;
    double ratio = 0;
    if (next == pools.size()) {
      ratio = pools.back().value + slope * (prior(rows) - prior(pools.back().last));
    } else if (pools[next].first <= rows) {
      ratio = pools[next].value;
    } else {
      ratio = next == 0 ? ratio_below_all(pools[0], slope, rows) : ratio_between(pools[next - 1], pools[next], rows);
    }
    expected_[rows] = scale * ratio;
  }
  rebuild_bounds();
}

void StepCost::rebuild_bounds() {
  int64_t measured = 0;  // the largest row count up to `rows` with any observation
  int64_t trusted = 0;   // the largest row count up to `rows` with a trusted ratio
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    if (ratios_[rows].observations > 0) measured = rows;
    if (ratios_[rows].observations >= kTrustedObservations) trusted = rows;
    pessimistic_[rows] = optimistic_[rows] = expected_[rows];
    if (measured > 0 && measured < rows) {
      const double shared_nothing = expected_[measured] * static_cast<double>(rows) / static_cast<double>(measured);
      pessimistic_[rows] = std::max(expected_[rows], shared_nothing);
    }
    if (trusted > 0 && !is_measured(rows)) optimistic_[rows] = expected_[trusted];
  }
}

bool StepCost::is_measured(int64_t rows) const {
  constexpr int64_t kClose = 16;  // row counts within a sixteenth of `rows` are close
  const int64_t reach = (rows - 1) / kClose;
  for (int64_t near = rows - reach; near <= std::min(rows + reach, kMaxRows); ++near) {
    if (ratios_[near].observations >= kTrustedObservations) return true;
  }
  return false;
}

double StepCost::at(const Curve& curve, int64_t rows) const {
  MOEBIUS_CHECK(known() && rows >= 1);
  if (rows <= kMaxRows) return curve[rows];
  constexpr int64_t kHalfWay = kMaxRows / 2;
  const double slope = (expected_[kMaxRows] - expected_[kHalfWay]) / static_cast<double>(kMaxRows - kHalfWay);
  return curve[kMaxRows] + slope * static_cast<double>(rows - kMaxRows);
}

}  // namespace moebius::internal
