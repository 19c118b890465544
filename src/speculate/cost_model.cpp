// The filter, and the curve through what it knows.
#include "speculate/cost_model.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"

namespace moebius {
namespace {

constexpr double kNoise = 0.08;       // of one step, relative: a quiet desktop has 0.03, a shared server 0.1 and spikes
constexpr double kScaleWalk = 0.01;   // a step
constexpr double kRatioWalk = 0.001;  // a step
constexpr double kFarOut = 3;         // standard deviations
constexpr double kHalf = -0.69;       // log

double square(double x) { return x * x; }

struct Knot {
  double rows;
  double ratio;
};

// A 35B-A3B of 4 bits on a CPU: 2 rows 1.36 x, 4 rows 2.0 x, 8 rows 3.41 x, 16 rows 6.0 x of one row. Rows share what
// all read, and experts by chance.
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
  const double level = high.value / prior(high.last);
  const double doubt = kDoubt * prior(high.last);
  return (high.value - low.value + doubt * level) / (prior(high.last) - prior(low.first) + doubt);
}

double below_all(const Pool& pool, double slope, int64_t rows) {
  const double shared_nothing = pool.value * static_cast<double>(rows) / static_cast<double>(pool.first);
  return std::max(shared_nothing, pool.value - slope * (prior(pool.first) - prior(rows)));
}

double between(const Pool& below, const Pool& above, int64_t rows) {
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
    begin(rows, log_seconds);
  } else {
    walk();
    compare_with_fewer(rows, log_seconds);
    ratios_[rows].observations == 0 ? learn(rows, log_seconds) : correct(rows, log_seconds);
  }
  ++ratios_[rows].observations;
  ratios_[rows].is_current = true;
  draw_curve();
}

void StepCost::walk() {
  covariance_[0][0] += square(kScaleWalk);
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    if (ratios_[rows].observations > 0 && rows != reference_) covariance_[rows][rows] += square(kRatioWalk);
  }
}

// A row count that is hardly known and far faster than fewer rows: so are they, on the machine as it is now.
void StepCost::compare_with_fewer(int64_t rows, double log_seconds) {
  const int64_t fewer = trusted_below(rows);
  if (fewer == 0 || ratios_[rows].observations >= kTrusted) return;
  const double error = log_seconds - std::log(even_[fewer]);
  if (error < kHalf) move(0, error);
}

// The first step of a row count may have been a slow one: until it is better known it is not taken to be much slower
// than rows that share nothing.
double StepCost::plausible_ratio(int64_t rows) const {
  constexpr double kTooDear = 1.5;
  const double ratio = std::exp(state_[rows]);
  const int64_t fewer = trusted_below(rows);
  if (fewer == 0 || ratios_[rows].observations >= kTrusted) return ratio;
  return std::min(ratio, std::exp(state_[fewer]) * kTooDear * static_cast<double>(rows) / static_cast<double>(fewer));
}

void StepCost::begin(int64_t rows, double log_seconds) {
  reference_ = fitting_ = rows;
  state_[rows] = std::log(prior(rows));
  state_[0] = log_seconds - state_[rows];
  covariance_[0][0] = square(kNoise);
}

// ratio = log seconds - scale - noise, and covaries as that says.
void StepCost::learn(int64_t rows, double log_seconds) {
  fitting_ = 0;
  state_[rows] = log_seconds - state_[0];
  for (int64_t i = 0; i <= kMaxRows; ++i) covariance_[rows][i] = covariance_[i][rows] = -covariance_[0][i];
  covariance_[rows][rows] = covariance_[0][0] + square(kNoise);
}

void StepCost::correct(int64_t rows, double log_seconds) {
  const double error = log_seconds - state_[0] - state_[rows];
  const double variance = covariance_[0][0] + 2 * covariance_[0][rows] + covariance_[rows][rows] + square(kNoise);
  const bool is_far_out = std::abs(error) > kFarOut * std::sqrt(variance);
  if (ratios_[rows].observations < kTrusted && is_far_out && error < 0) {
    learn(rows, log_seconds);
  } else if (is_far_out) {
    surprise(rows, error);
  } else {
    run_ = ratios_[rows].run = {};
    fitting_ = rows;
    update(rows, error, variance);
  }
}

void StepCost::update(int64_t rows, double error, double variance) {
  Vector shares = {};  // with the observation
  for (int64_t i = 0; i <= kMaxRows; ++i) shares[i] = covariance_[i][0] + covariance_[i][rows];
  for (int64_t i = 0; i <= kMaxRows; ++i) {
    if (shares[i] == 0) continue;
    state_[i] += shares[i] / variance * error;
    for (int64_t j = 0; j <= kMaxRows; ++j) covariance_[i][j] -= shares[i] * shares[j] / variance;
  }
}

void StepCost::surprise(int64_t rows, double error) {
  constexpr int64_t kLongRun = 16;
  constexpr int64_t kTooMany = 4;
  Ratio& ratio = ratios_[rows];
  const int64_t fitting = std::exchange(fitting_, 0);
  for (Run* run : {&run_, &ratio.run}) {
    const bool goes_on = run->count > 0 && (run->mildest > 0) == (error > 0);
    const bool milder = !goes_on || std::abs(error) < std::abs(run->mildest);
    *run = {goes_on ? run->count + 1 : 1, milder ? error : run->mildest};
  }
  const bool others_fit = fitting != 0 && fitting != rows;
  if (error < kHalf && others_fit) {
    const double log_seconds = state_[0] + state_[rows] + error;
    *this = StepCost();
    begin(rows, log_seconds);
  } else if (error < kHalf) {
    move(0, error);
  } else if (run_.count >= kLongRun) {
    move(0, run_.mildest);
  } else if (ratio.run.count >= kTooMany && run_.count < ratio.run.count) {
    move(rows, ratio.run.mildest);
  }
}

// What was known of others is hearsay until they are seen again: they may have moved as well.
void StepCost::move(int64_t what, double by) {
  state_[what] += by;
  run_ = {};
  for (Ratio& ratio : ratios_) {
    ratio.run = {};
    ratio.is_current = false;
  }
}

int64_t StepCost::trusted_below(int64_t rows) const {
  for (--rows; rows > 0 && ratios_[rows].observations < kTrusted;) --rows;
  return rows;
}

void StepCost::draw_curve() {
  std::vector<Pool> pools;
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    const Ratio& ratio = ratios_[rows];
    if (ratio.observations == 0) continue;
    const auto weight = static_cast<double>(std::min<int64_t>(ratio.observations, 32));
    pools.push_back({rows, rows, weight, plausible_ratio(rows)});
    pool_falling(pools);
  }
  const double scale = std::exp(state_[0]);
  const double slope = steepness(pools.front(), pools.back());
  size_t next = 0;  // pool that ends at or after these rows
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    while (next < pools.size() && pools[next].last < rows) ++next;
    double ratio = 0;
    if (next == pools.size()) {
      ratio = pools.back().value + slope * (prior(rows) - prior(pools.back().last));
    } else if (pools[next].first <= rows) {
      ratio = pools[next].value;
    } else {
      ratio = next == 0 ? below_all(pools[0], slope, rows) : between(pools[next - 1], pools[next], rows);
    }
    even_[rows] = scale * ratio;
  }
  draw_bounds();
}

// Runs upwards with the last row count that was measured at all, and the last that was measured well.
void StepCost::draw_bounds() {
  int64_t measured = 0;
  int64_t trusted = 0;
  for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
    if (ratios_[rows].observations > 0) measured = rows;
    if (ratios_[rows].observations >= kTrusted) trusted = rows;
    careful_[rows] = hopeful_[rows] = even_[rows];
    if (measured > 0 && measured < rows) {
      const double shared_nothing = even_[measured] * static_cast<double>(rows) / static_cast<double>(measured);
      careful_[rows] = std::max(even_[rows], shared_nothing);
    }
    if (trusted > 0 && !is_measured(rows)) hopeful_[rows] = even_[trusted];
  }
}

bool StepCost::is_measured(int64_t rows) const {
  constexpr int64_t kClose = 16;  // within a sixteenth
  const int64_t reach = (rows - 1) / kClose;
  for (int64_t near = rows - reach; near <= std::min(rows + reach, kMaxRows); ++near) {
    if (ratios_[near].observations >= kTrusted) return true;
  }
  return false;
}

double StepCost::at(const Curve& curve, int64_t rows) const {
  MOEBIUS_CHECK(known() && rows >= 1);
  if (rows <= kMaxRows) return curve[rows];
  constexpr int64_t kHalfWay = kMaxRows / 2;
  const double slope = (even_[kMaxRows] - even_[kHalfWay]) / static_cast<double>(kMaxRows - kHalfWay);
  return curve[kMaxRows] + slope * static_cast<double>(rows - kMaxRows);
}

}  // namespace moebius
