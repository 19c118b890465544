// What a step of so many rows takes on this machine, learned from the steps themselves: a probe at start would measure
// another machine than the one that is shared and warm an hour later. Used for the model and, by itself, for the draft
// head. No clock is read here; seconds come in by observe().
//
//   log seconds = scale + ratio[rows] + noise
//
// scale is the machine today: it walks fast, and every step moves it. ratio[rows] is the shape of the curve: it hardly
// walks. A Kalman gain shares a surprise between the two, so a machine that gets slower while it always verifies four
// rows makes a plain step slower too, though none was seen since.
// - Noise: a single step far out is ignored. Three in a row move the scale; three at one row count, with others in
//   between that were no surprise, move its ratio. The first three times of a row count count by their lower median.
// - Ratios never fall as rows grow (pool adjacent violators, weighted by observations).
// - Between measured row counts the curve has the shape of the prior; beyond them it goes on as the prior does, steeper
//   or flatter by how the measured part compares with it.
#pragma once

#include <array>
#include <cstdint>

namespace moebius {

class StepCost {
 public:
  static constexpr int64_t kMostRows = 64;  // of a step that is learned from; above, the curve is a straight line

  // Steps of more than kMostRows rows are not looked at: most of their rows are prefill, whose cost is another curve.
  void observe(int64_t rows, double seconds);

  [[nodiscard]] bool known() const { return steps_ > 0; }                       // whether anything was observed
  [[nodiscard]] int64_t observations(int64_t rows) const;                       // of exactly so many rows
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
    int64_t last_step = 0;
    Run run;
    double value = 0;  // log
    double variance = 0;
    std::array<double, kTrusted> first = {};
  };

  using Curve = std::array<double, kMostRows + 1>;  // seconds, by rows

  [[nodiscard]] bool is_measured(int64_t rows) const;  // well, or one close by
  [[nodiscard]] double at(const Curve& curve, int64_t rows) const;
  void learn(Ratio& ratio, double log_seconds) const;
  void correct(Ratio& ratio, double log_seconds);
  bool is_surprise(Ratio& ratio, double error, double variance);
  void draw_curve();
  void draw_bounds();

  int64_t steps_ = 0;
  double scale_ = 0;  // log seconds
  double scale_variance_ = 0;
  Run run_;  // whatever their rows
  std::array<Ratio, kMostRows + 1> ratios_ = {};
  Curve even_ = {};
  Curve careful_ = {};
  Curve hopeful_ = {};
};

}  // namespace moebius
