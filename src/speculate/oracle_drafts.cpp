// A hash of the position decides whether a draft is right or wrong.
#include "speculate/oracle_drafts.h"

#include <algorithm>

#include "base/check.h"
#include "speculate/unit_hash.h"

namespace moebius::internal {

OracleDrafts::OracleDrafts(std::vector<int32_t> plain, const OracleErrors& errors)
    : plain_(std::move(plain)), errors_(errors) {
  MOEBIUS_CHECK(errors.rate >= 0 && errors.rate <= 1 && errors.burst >= 0);
}

bool OracleDrafts::is_spoilt(int64_t position) const {
  if (errors_.burst > 0 && position / errors_.burst % 2 == 1) return true;
  return unit_hash(errors_.seed, position) < errors_.rate;
}

std::vector<int32_t> OracleDrafts::propose(int64_t position, int64_t max_tokens) const {
  MOEBIUS_CHECK(position >= 0);
  std::vector<int32_t> drafts;
  const auto end = std::min(position + max_tokens, static_cast<int64_t>(plain_.size()));
  // The wrong token is the neighbour of the right one, so it is in the vocabulary too.
  for (int64_t i = position; i < end; ++i) drafts.push_back(is_spoilt(i) ? plain_[i] ^ 1 : plain_[i]);
  return drafts;
}

}  // namespace moebius::internal
