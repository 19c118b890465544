// A hash that maps a seed and a position to a number in [0, 1) that looks random. Tests of speculation use it instead
// of a random generator, so that every run is the same. It is the finaliser of splitmix64.
#pragma once

#include <cstdint>

namespace moebius::internal {

inline double unit_hash(uint64_t seed, int64_t position) {
  uint64_t bits = (seed + 1) * 0x9E3779B97F4A7C15u + static_cast<uint64_t>(position) * 0xD1B54A32D192ED03u;
  for (const uint64_t factor : {uint64_t{0xBF58476D1CE4E5B9u}, uint64_t{0x94D049BB133111EBu}}) {
    bits = (bits ^ (bits >> 30)) * factor;
  }
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace moebius::internal
