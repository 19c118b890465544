// A source of drafts with a chosen quality. It knows the output of plain decoding and spoils its tokens at a chosen
// rate. Tests of the engine and benchmarks use it. A real source of drafts is never this good or this even.
#pragma once

#include <cstdint>
#include <vector>

namespace moebius::internal {

struct OracleErrors {
  double rate = 0;  // the share of wrong tokens, 0 to 1
  // The length of a burst in tokens; 0 means no bursts. Stretches of this length alternate: in one the tokens are wrong
  // at the rate, in the next one all tokens are wrong.
  int64_t burst = 0;
  uint64_t seed = 0;
};

class OracleDrafts {
 public:
  // `plain` is the output of plain decoding, token by token.
  OracleDrafts(std::vector<int32_t> plain, const OracleErrors& errors);

  // Drafts the tokens of the plain output from `position` on: at most `max_tokens`, and none beyond the end of the
  // output. Whether a position is spoilt depends only on the seed and the position.
  [[nodiscard]] std::vector<int32_t> propose(int64_t position, int64_t max_tokens) const;

 private:
  [[nodiscard]] bool is_spoilt(int64_t position) const;

  std::vector<int32_t> plain_;
  OracleErrors errors_;
};

}  // namespace moebius::internal
