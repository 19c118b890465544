// What a step of so many rows takes on this machine, learned from the steps themselves: a probe at start would measure
// another machine than the one that is shared and warm an hour later. Used for the model and, by itself, for the draft
// head. No clock is read here; seconds come in by observe().
//
//   log seconds = scale + ratio[rows] + noise
//
// scale is the machine today: it walks fast, and every step moves it. ratio[rows] is the shape of the curve: it hardly
// walks. A Kalman filter over all of them shares each surprise out, so a machine that gets slower while it always
// verifies four rows makes a plain step slower too, though none was seen since. It keeps the covariances: without them
// a wrong ratio that is seen often passes for the scale, and was found to hide a loss of 13 % for a thousand tokens.
// - Noise makes steps slower and hardly ever faster. A step that is far too slow is ignored: a long run of them moves
//   the scale (a burst, while something else has the cores, does not), four at one row count with others in between
//   that were no surprise its ratio. A step that takes less than half is believed at once: the machine is faster; but
//   if the step before it, of other rows, was as expected, then all that is known is doubtful, and it begins anew.
// - Of a row count that is hardly known the faster time is believed. It is neither faster than fewer rows nor much
//   slower than rows that share nothing.
// - Ratios never fall as rows grow (pool adjacent violators, weighted by observations).
// - Between measured row counts the curve has the shape of the prior; beyond them it goes on as the prior does, steeper
//   or flatter by how the measured part compares with it.
#pragma once

#include <array>
#include <cstdint>

namespace moebius {

class StepCost {
 public:
  static constexpr int64_t kMaxRows = 64;  // of a step that is learned from; above, the curve is a straight line

  // Steps of more than kMaxRows rows are not looked at: most of their rows are prefill, whose cost is another curve.
  void observe(int64_t rows, double seconds);

  [[nodiscard]] bool known() const { return reference_ > 0; }  // whether anything was observed
  [[nodiscard]] int64_t observations(int64_t rows) const;      // of exactly so many rows
  // Whether exactly so many rows were observed since anything last moved by surprise.
  [[nodiscard]] bool is_current(int64_t rows) const { return ratios_[rows].is_current; }
  [[nodiscard]] double seconds(int64_t rows) const { return at(even_, rows); }  // rows >= 1; needs known()
  // Bounds for a row count that was hardly measured. Careful: as if rows shared nothing with those measured below it.
  // Hopeful: as if rows were free until proven dear.
  [[nodiscard]] double careful_seconds(int64_t rows) const { return at(careful_, rows); }
  [[nodiscard]] double hopeful_seconds(int64_t rows) const { return at(hopeful_, rows); }
  static double prior_ratio(double rows);  // of one row

 private:
  static constexpr int64_t kTrusted = 3;  // observations

  struct Run {  // of surprises of one sign
    int64_t count = 0;
    double mildest = 0;  // log
  };
  struct Ratio {
    int64_t observations = 0;
    bool is_current = false;
    Run run;
  };
  using Curve = std::array<double, kMaxRows + 1>;  // seconds, by rows
  // Of the filter: [0] is the scale, [rows] a ratio. Logs. Rows that were not observed are zero.
  using Vector = std::array<double, kMaxRows + 1>;

  [[nodiscard]] bool is_measured(int64_t rows) const;  // well, or one close by
  [[nodiscard]] double at(const Curve& curve, int64_t rows) const;
  void begin(int64_t rows, double log_seconds);
  void walk();
  void compare_with_fewer(int64_t rows, double log_seconds);
  [[nodiscard]] double plausible_ratio(int64_t rows) const;
  void learn(int64_t rows, double log_seconds);
  void correct(int64_t rows, double log_seconds);
  void update(int64_t rows, double error, double variance);
  void surprise(int64_t rows, double error);
  void move(int64_t what, double by);  // rows: their ratio; 0: the scale
  [[nodiscard]] int64_t trusted_below(int64_t rows) const;
  void draw_curve();
  void draw_bounds();

  int64_t reference_ = 0;  // rows of the first step; their ratio does not walk, else all could drift with the scale
  Vector state_ = {};
  std::array<Vector, kMaxRows + 1> covariance_ = {};
  Run run_;              // whatever their rows
  int64_t fitting_ = 0;  // rows of the last step that was learned from, if it was as expected
  std::array<Ratio, kMaxRows + 1> ratios_ = {};
  Curve even_ = {};
  Curve careful_ = {};
  Curve hopeful_ = {};
};

}  // namespace moebius
