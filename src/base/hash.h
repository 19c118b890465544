// Hashes that tell whether bytes are the ones that were written: XXH3 of xxHash. They are fast and stable between
// machines, but they do not protect against an attacker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moebius::internal {

// 64 bits, as 16 hexadecimal digits: the checksum of one tensor.
std::string checksum(std::span<const std::byte> bytes);

// 128 bits, as 32 hexadecimal digits: the identity of a set of files.
std::string fingerprint(std::string_view text);

// A hash for tables in memory whose keys a stranger chose. With a seed that secret_seed() draws anew, no choice of keys
// makes them collide.
uint64_t seeded_hash(std::string_view key, uint64_t seed);
uint64_t secret_seed();

}  // namespace moebius::internal
