// Tests what the estimate of the cost of rows learns from one step and from many steps. Noise and drift must not
// mislead the estimate.
#include "speculate/cost_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/testing/expect_error.h"
#include "speculate/unit_hash.h"

namespace moebius::internal {
namespace {

using Curve = std::function<double(int64_t)>;

struct NamedCurve {
  const char* name;
  Curve seconds;
};

const NamedCurve kCurves[] = {
    {"flat", [](int64_t rows) { return 0.01 + 1e-4 * static_cast<double>(rows); }},
    {"steep", [](int64_t rows) { return 0.01 * static_cast<double>(rows); }},
    {"stairs",
     [](int64_t rows) {
       const int64_t stair = (rows - 1) / 8;
       return 0.01 * (1 + 0.6 * static_cast<double>(stair));
     }},
};

void observe_times(StepCost& cost, int64_t times, int64_t rows, double seconds) {
  for (int64_t i = 0; i < times; ++i) cost.observe(rows, seconds);
}

TEST(StepCost, expects_the_shape_of_the_prior_after_one_step) {
  struct Row {
    int64_t rows;
    double ratio;  // as measured with a model of 35B on a CPU
  };
  const Row rows[] = {{1, 1}, {2, 1.36}, {4, 2.0}, {8, 3.41}, {16, 6.0}};
  for (const int64_t first : {1, 4, 16}) {
    StepCost cost;
    cost.observe(first, 0.05);
    EXPECT_NEAR(cost.seconds(first), 0.05, 1e-12);
    for (const Row& row : rows) EXPECT_NEAR(cost.seconds(row.rows) / cost.seconds(1), row.ratio, 0.03 * row.ratio);
  }
}

TEST(StepCost, reproduces_what_was_measured) {
  for (const NamedCurve& curve : kCurves) {
    StepCost cost;
    for (const int64_t rows : {1, 2, 3, 5, 8, 9, 16, 40, 64}) cost.observe(rows, curve.seconds(rows));
    for (const int64_t rows : {1, 2, 3, 5, 8, 9, 16, 40, 64}) {
      EXPECT_NEAR(cost.seconds(rows), curve.seconds(rows), 1e-9) << curve.name << ' ' << rows;
    }
  }
}

TEST(StepCost, lies_between_its_neighbours_where_nothing_was_measured) {
  for (const NamedCurve& curve : kCurves) {
    StepCost cost;
    for (const int64_t rows : {1, 4, 16}) cost.observe(rows, curve.seconds(rows));
    for (const int64_t rows : {2, 3, 5, 9, 15}) {
      const int64_t below = rows < 4 ? 1 : 4;
      EXPECT_GE(cost.seconds(rows), curve.seconds(below) - 1e-9) << curve.name << ' ' << rows;
      EXPECT_LE(cost.seconds(rows), curve.seconds(below * 4) + 1e-9) << curve.name << ' ' << rows;
    }
  }
}

TEST(StepCost, continues_flatter_or_steeper_than_the_prior_as_it_was_measured) {
  const auto ratio_of_16 = [](const Curve& seconds) {
    StepCost cost;
    for (const int64_t rows : {1, 2, 3, 4}) cost.observe(rows, seconds(rows));
    return cost.seconds(16) / cost.seconds(1);
  };
  EXPECT_LT(ratio_of_16(kCurves[0].seconds), 2.5);
  EXPECT_GT(ratio_of_16(kCurves[1].seconds), 10);
  EXPECT_NEAR(ratio_of_16([](int64_t rows) { return StepCost::prior_ratio(static_cast<double>(rows)); }), 6, 0.1);
}

TEST(StepCost, never_falls_as_rows_grow) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    StepCost cost;
    for (int64_t step = 0; step < 60; ++step) {
      const auto rows = static_cast<int64_t>(1 + 64 * unit_hash(seed, step));
      cost.observe(rows, 0.01 * (1 + unit_hash(seed + 100, step)));
      for (int64_t r = 1; r < 200; ++r) {
        ASSERT_LE(cost.seconds(r), cost.seconds(r + 1) * (1 + 1e-12)) << "seed " << seed << ", rows " << r;
      }
    }
  }
}

TEST(StepCost, ignores_an_outlier) {
  for (const double spike : {0.6, 3.0, 100.0}) {
    StepCost cost;
    observe_times(cost, 10, 1, 0.01);
    observe_times(cost, 10, 4, 0.02);
    cost.observe(4, 0.02 * spike);
    EXPECT_NEAR(cost.seconds(4), 0.02, 1e-9) << spike;
    EXPECT_NEAR(cost.seconds(1), 0.01, 1e-9) << spike;
  }
}

TEST(StepCost, ignores_a_burst) {
  StepCost cost;
  observe_times(cost, 20, 1, 0.01);
  observe_times(cost, 8, 1, 0.5);
  EXPECT_NEAR(cost.seconds(1), 0.01, 1e-9);
  EXPECT_TRUE(cost.is_current(1));
}

TEST(StepCost, believes_in_a_fast_step_at_once) {
  StepCost slow;
  observe_times(slow, 20, 1, 0.01);
  observe_times(slow, 20, 4, 0.02);
  StepCost cheaper = slow;
  cheaper.observe(1, 0.002);
  EXPECT_NEAR(cheaper.seconds(1), 0.002, 1e-9)
      << "four rows were as predicted just before, so nothing else is known now";
  EXPECT_EQ(cheaper.observations(1), 1);
  EXPECT_EQ(cheaper.observations(4), 0);
  slow.observe(4, 0.004);
  EXPECT_NEAR(slow.seconds(4), 0.004, 1e-9) << "the machine has become faster";
  EXPECT_NEAR(slow.seconds(1), 0.002, 1e-4);
  EXPECT_TRUE(slow.is_current(4));
  EXPECT_FALSE(slow.is_current(1));
}

TEST(StepCost, does_not_mistake_the_end_of_a_slow_time_for_cheap_rows) {
  StepCost cost;
  observe_times(cost, 20, 1, 0.01);
  observe_times(cost, 20, 1, 0.5);
  EXPECT_NEAR(cost.seconds(1), 0.5, 0.01);
  cost.observe(7, 0.03);
  EXPECT_LE(cost.seconds(1), 0.03 * 1.001);
  EXPECT_FALSE(cost.is_current(1));
}

TEST(StepCost, bounds_rows_that_were_first_slow_by_rows_that_share_nothing) {
  StepCost cost;
  cost.observe(1, 0.07);
  cost.observe(2, 0.095);
  observe_times(cost, 3, 1, 0.01);
  EXPECT_NEAR(cost.seconds(1), 0.01, 1e-4);
  EXPECT_LE(cost.seconds(2), 0.0301);
}

TEST(StepCost, ignores_a_spike_among_the_first_three_steps) {
  for (int64_t spike = 0; spike < 3; ++spike) {
    StepCost cost;
    cost.observe(1, 0.01);
    for (int64_t i = 0; i < 3; ++i) cost.observe(4, i == spike ? 0.06 : 0.02);
    EXPECT_NEAR(cost.seconds(4), 0.02, 1e-9) << spike;
  }
}

TEST(StepCost, learns_of_a_slower_machine_from_other_rows_than_plain_ones) {
  for (const double factor : {0.6, 0.9, 1.15, 1.5, 4.0}) {
    StepCost cost;
    observe_times(cost, 5, 1, 0.01);
    observe_times(cost, 40, 4, 0.02);
    observe_times(cost, 40, 4, 0.02 * factor);
    EXPECT_NEAR(cost.seconds(4), 0.02 * factor, 0.001 * factor) << factor;
    EXPECT_NEAR(cost.seconds(1), 0.01 * factor, 0.0005 * factor) << factor;
  }
}

TEST(StepCost, learns_of_a_new_shape_from_steps_that_take_turns) {
  StepCost cost;
  for (int i = 0; i < 20; ++i) {
    cost.observe(1, 0.01);
    cost.observe(4, 0.02);
  }
  for (int i = 0; i < 20; ++i) {
    cost.observe(1, 0.01);
    cost.observe(4, 0.03);
  }
  EXPECT_NEAR(cost.seconds(4), 0.03, 0.0015);
  EXPECT_NEAR(cost.seconds(1), 0.01, 0.0005);
}

TEST(StepCost, finds_the_ratio_in_noise_of_a_tenth_and_spikes) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    StepCost cost;
    for (int64_t step = 0; step < 300; ++step) {
      const int64_t rows = step % 3 == 0 ? 1 : 4;
      const double bell =
          (unit_hash(seed, 3 * step) + unit_hash(seed, 3 * step + 1) + unit_hash(seed, 3 * step + 2)) * 2 - 3;
      const double spike = unit_hash(seed + 50, step) < 0.01 ? 3 : 1;
      cost.observe(rows, (rows == 1 ? 0.01 : 0.02) * std::exp(0.1 * bell) * spike);
    }
    EXPECT_NEAR(cost.seconds(4) / cost.seconds(1), 2, 0.1) << "seed " << seed;
  }
}

TEST(StepCost, is_pessimistic_and_optimistic_about_what_was_not_measured_three_times) {
  StepCost cost;
  observe_times(cost, 3, 2, 0.010);
  cost.observe(4, 0.012);
  EXPECT_DOUBLE_EQ(cost.pessimistic_seconds(2), cost.optimistic_seconds(2));
  EXPECT_DOUBLE_EQ(cost.optimistic_seconds(4), cost.seconds(2)) << "seen once";
  EXPECT_NEAR(cost.pessimistic_seconds(4), 0.012, 1e-9);
  EXPECT_NEAR(cost.pessimistic_seconds(3), 0.015, 1e-9);
  EXPECT_NEAR(cost.pessimistic_seconds(8), 0.024, 1e-9);
  observe_times(cost, 3, 32, 0.05);
  EXPECT_DOUBLE_EQ(cost.optimistic_seconds(34), cost.seconds(34)) << "close to 32";
  EXPECT_DOUBLE_EQ(cost.optimistic_seconds(35), cost.seconds(32)) << "not close";
}

TEST(StepCost, is_a_straight_line_above_the_rows_it_learns_from) {
  StepCost cost;
  observe_times(cost, 3, 1, 0.01);
  cost.observe(65, 1000);
  EXPECT_EQ(cost.observations(65), 0);
  EXPECT_NEAR(cost.seconds(1), 0.01, 1e-9);
  EXPECT_NEAR(cost.seconds(200) - cost.seconds(100), cost.seconds(300) - cost.seconds(200), 1e-9);
}

TEST(StepCost, refuses_rows_that_no_step_has) {
  StepCost cost;
  testing::expect_error(ErrorCode::kInternal, "", [&] { cost.observe(0, 0.01); });
  testing::expect_error(ErrorCode::kInternal, "", [&] { (void)cost.seconds(1); });
}

}  // namespace
}  // namespace moebius::internal
