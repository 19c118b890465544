// Drafts of a known quality: what plain decoding is known to say, spoilt at a set rate. For tests of the engine and for
// benchmarks; a real source of drafts is never this good or this even.
#pragma once

#include <cstdint>
#include <vector>

namespace moebius {

struct OracleErrors {
  double rate = 0;    // of wrong tokens, 0 to 1
  int64_t burst = 0;  // stretches of so many tokens by turns: spoilt at the rate, all wrong; 0: no bursts
  uint64_t seed = 0;
};

class OracleDrafts {
 public:
  // plain: what plain decoding generates, token by token.
  OracleDrafts(std::vector<int32_t> plain, const OracleErrors& errors);

  // Drafts for the tokens position, position + 1, ... of the plain output: at most `max_tokens`, none beyond its end.
  // Whether a position is spoilt depends on the seed and the position alone.
  [[nodiscard]] std::vector<int32_t> propose(int64_t position, int64_t max_tokens) const;

 private:
  [[nodiscard]] bool spoilt(int64_t position) const;

  std::vector<int32_t> plain_;
  OracleErrors errors_;
};

}  // namespace moebius
