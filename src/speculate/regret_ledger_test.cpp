// The ledger: what may be lost, and when it is forgotten.
#include "speculate/regret_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "speculate/unit_hash.h"

namespace moebius {
namespace {

TEST(RegretLedger, allows_less_after_every_loss) {
  RegretLedger ledger;
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
  ledger.record_regret(1, 3);
  ledger.record_regret(1, 4);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 7);
}

TEST(RegretLedger, does_not_let_gains_be_saved_up) {
  RegretLedger ledger;
  ledger.record_regret(10, -50);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
  ledger.record_regret(1, 5);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 5);
}

TEST(RegretLedger, lets_gains_make_good_what_was_lost) {
  RegretLedger ledger;
  ledger.record_regret(1, 5);
  ledger.record_regret(1, -3);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 2);
}

TEST(RegretLedger, forgets_a_loss_when_its_window_is_over) {
  RegretLedger ledger;
  ledger.record_regret(1, 20);
  for (int i = 0; i < static_cast<int>(RegretLedger::kWindow) - 1; ++i) ledger.record_regret(1, 0);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance - 20);
  ledger.record_regret(1, 0);
  EXPECT_DOUBLE_EQ(ledger.allowance(), RegretLedger::kAllowance);
}

TEST(RegretLedger, knows_the_worst_of_all_beginnings_in_the_window) {
  RegretLedger ledger;
  std::vector<double> tokens = {0};
  std::vector<double> losses = {0};
  for (int64_t i = 0; i < 3000; ++i) {
    const double more = 1 + 3 * unit_hash(1, i);
    const double loss = unit_hash(2, i) - 0.5;
    ledger.record_regret(more, loss);
    tokens.push_back(tokens.back() + more);
    losses.push_back(losses.back() + loss);
    double lowest = losses.back();
    for (size_t j = 0; j < tokens.size(); ++j) {
      if (tokens[j] >= tokens.back() - RegretLedger::kWindow) lowest = std::min(lowest, losses[j]);
    }
    ASSERT_NEAR(ledger.allowance(), RegretLedger::kAllowance - (losses.back() - lowest), 1e-9) << i;
  }
}

}  // namespace
}  // namespace moebius
