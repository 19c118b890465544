// Estimates how long a step takes on this machine, by its number of rows. A row is one token that the step puts through
// the model. The estimate is learned from the steps themselves: a probe at start would measure a different machine from
// the one that is shared and warm an hour later. The model and its draft head each have an estimate of their own. No
// clock is read here; observe() is told the seconds.
#pragma once

#include <array>
#include <cstdint>

#include "moebius/limits.h"

namespace moebius::internal {

// The estimate is a Kalman filter for this model of a step:
//
//   log seconds = scale + ratio[rows] + noise
//
// The scale is the speed of the machine today. It follows a fast random walk, and every step corrects it. ratio[rows]
// is the shape of the cost curve. It follows a very slow random walk. The innovation is the difference between the
// measured and the predicted log seconds; the filter divides it between the scale and the ratios. So when a machine
// slows down while it only has steps of four rows, the estimate for one row rises too, although no such step was
// observed. The filter keeps all covariances. Without them, a wrong ratio that is observed often is mistaken for the
// scale. That was found to hide a loss of 13 % for a thousand tokens.
// - Noise makes steps slower and hardly ever faster. So a step that is far too slow is ignored. A long run of such
//   steps moves the scale; a burst while another program has the cores is too short. Four such steps of one row count
//   move the ratio of that row count, if steps of other row counts in between were as predicted.
// - A step that takes less than half of the predicted time is believed at once. If the step before it had another row
//   count and was as predicted, all estimates are doubtful, and the filter starts again from this step. Otherwise the
//   machine has become faster, and the scale moves.
// - As long as a row count has few observations, the faster time is believed. Its estimate is at least that of fewer
//   rows, and at most a little above the time of rows that share nothing.
// - Ratios never fall as the number of rows grows (pool adjacent violators, weighted by observations).
// - Between measured row counts the curve has the shape of the prior. Beyond them it continues like the prior, but
//   steeper or flatter, according to how the measured part compares with the prior.
class StepCost {
 public:
  // Larger steps are not learned from. Above this row count the curve is a straight line.
  static constexpr int64_t kMaxRows = kMaxLogitRows;

  // Learns from one step. Steps of more than kMaxRows rows are ignored: most of their rows are prefill, whose cost
  // follows another curve.
  void observe(int64_t rows, double seconds);

  [[nodiscard]] bool known() const { return reference_ > 0; }  // whether any step was observed
  [[nodiscard]] int64_t observations(int64_t rows) const;      // the number of observed steps of exactly this row count
  // Whether a step of exactly this row count was observed since outliers last moved the scale or a ratio.
  [[nodiscard]] bool is_current(int64_t rows) const { return ratios_[rows].is_current; }
  // The expected time. This function and the two bounds require rows >= 1 and known().
  [[nodiscard]] double seconds(int64_t rows) const { return at(expected_, rows); }
  // Bounds for a row count with few measurements. The pessimistic bound assumes that its rows share nothing with fewer
  // rows that were measured. The optimistic bound assumes that additional rows are free until measurements disagree.
  [[nodiscard]] double pessimistic_seconds(int64_t rows) const { return at(pessimistic_, rows); }
  [[nodiscard]] double optimistic_seconds(int64_t rows) const { return at(optimistic_, rows); }
  // The prior: the time of a step of this many rows, divided by the time of a step of one row.
  static double prior_ratio(double rows);

 private:
  // From this number of observations on, the ratio of a row count is trusted.
  static constexpr int64_t kTrustedObservations = 3;

  // Consecutive outliers of one sign.
  struct OutlierRun {
    int64_t count = 0;
    double smallest_innovation = 0;  // the innovation closest to zero, in log seconds
  };
  struct Ratio {
    int64_t observations = 0;
    bool is_current = false;
    OutlierRun outliers;  // outliers of this row count
  };
  using Curve = std::array<double, kMaxRows + 1>;  // seconds, indexed by rows
  // A state vector of the filter, in log seconds. Index 0 is the scale, index `rows` is a ratio. Row counts without
  // observations are zero.
  using Vector = std::array<double, kMaxRows + 1>;

  // Whether this row count, or one close to it, has a trusted ratio.
  [[nodiscard]] bool is_measured(int64_t rows) const;
  [[nodiscard]] double at(const Curve& curve, int64_t rows) const;
  void start_from_first_observation(int64_t rows, double log_seconds);
  void add_process_noise();
  void lower_scale_if_faster_than_fewer_rows(int64_t rows, double log_seconds);
  [[nodiscard]] double plausible_ratio(int64_t rows) const;
  void initialize_ratio(int64_t rows, double log_seconds);
  void correct_state(int64_t rows, double log_seconds);
  void apply_kalman_update(int64_t rows, double innovation, double variance);
  void handle_outlier(int64_t rows, double innovation);
  // Adds `by` to one entry of the state vector.
  void shift_state(int64_t index, double by);
  // The largest trusted row count below `rows`, or 0.
  [[nodiscard]] int64_t trusted_below(int64_t rows) const;
  void rebuild_curve();
  void rebuild_bounds();

  // The row count of the first step; 0 before it. Its ratio follows no random walk. Otherwise all ratios could drift in
  // one direction and the scale in the other.
  int64_t reference_ = 0;
  Vector state_ = {};
  std::array<Vector, kMaxRows + 1> covariance_ = {};
  OutlierRun outliers_;           // outliers of any row count
  int64_t last_inlier_rows_ = 0;  // the row count of the last step if that step was as predicted, else 0
  std::array<Ratio, kMaxRows + 1> ratios_ = {};
  Curve expected_ = {};
  Curve pessimistic_ = {};
  Curve optimistic_ = {};
};

}  // namespace moebius::internal
