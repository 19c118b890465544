// Random numbers that are a function of a key and a counter: Philox4x32-10. The draw of a token needs no state that a
// rejected draft would have to restore, and it does not depend on the order of the sequences in a batch. The code is
// ours, because std::philox_engine is C++26 and the standard leaves open the results of <random>'s distributions.
// J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11.
#pragma once

#include <array>
#include <cstdint>

namespace moebius::internal {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

inline PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t even = uint64_t{0xD2511F53} * counter[0];
    const uint64_t odd = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(odd >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(odd),
               static_cast<uint32_t>(even >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(even)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};  // golden ratio, sqrt(3) - 1
  }
  return counter;
}

// Returns 64 uniform bits for the token at a position.
inline uint64_t random_bits(uint64_t seed, int64_t position) {
  const auto at = static_cast<uint64_t>(position);
  const PhiloxCounter bits = philox({static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), 0, 0},
                                    {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return uint64_t{bits[1]} << 32 | bits[0];
}

}  // namespace moebius::internal
