// Tests how much regret the ledger allows, and when it forgets regret.
#include "speculate/regret_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "speculate/unit_hash.h"

namespace moebius::internal {
namespace {

TEST(RegretLedger, allows_less_after_every_regret) {
  RegretLedger ledger;
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
  ledger.record_regret(1, 3);
  ledger.record_regret(1, 4);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 7);
}

TEST(RegretLedger, does_not_save_up_gains) {
  RegretLedger ledger;
  ledger.record_regret(10, -50);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
  ledger.record_regret(1, 5);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 5);
}

TEST(RegretLedger, lets_gains_reduce_earlier_regret) {
  RegretLedger ledger;
  ledger.record_regret(1, 5);
  ledger.record_regret(1, -3);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 2);
}

TEST(RegretLedger, forgets_regret_behind_its_window) {
  RegretLedger ledger;
  ledger.record_regret(1, 20);
  for (int i = 0; i < static_cast<int>(RegretLedger::kWindow) - 1; ++i) ledger.record_regret(1, 0);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 20);
  ledger.record_regret(1, 0);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
}

TEST(RegretLedger, bounds_regret_from_every_start_in_the_window) {
  RegretLedger ledger;
  std::vector<double> tokens = {0};
  std::vector<double> regrets = {0};
  for (int64_t i = 0; i < 3000; ++i) {
    const double more = 1 + 3 * unit_hash(1, i);
    const double regret = unit_hash(2, i) - 0.5;
    ledger.record_regret(more, regret);
    tokens.push_back(tokens.back() + more);
    regrets.push_back(regrets.back() + regret);
    double lowest = regrets.back();
    for (size_t j = 0; j < tokens.size(); ++j) {
      if (tokens[j] >= tokens.back() - RegretLedger::kWindow) lowest = std::min(lowest, regrets[j]);
    }
    ASSERT_NEAR(ledger.allowance(), RegretLedger::kAllowance - (regrets.back() - lowest), 1e-9) << i;
  }
}

}  // namespace
}  // namespace moebius::internal
