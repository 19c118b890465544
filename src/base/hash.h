// Hashes that tell whether bytes are the ones that were written: fast, stable between machines, no protection against
// somebody who means harm. XXH3 of xxHash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moebius::internal {

// 64 bits, as 16 hexadecimal digits: the checksum of one tensor.
std::string checksum(std::span<const std::byte> bytes);

// 128 bits, as 32 hexadecimal digits: what a set of files is known by.
std::string fingerprint(std::string_view text);

// For tables in memory whose keys a stranger chose: with a seed that is drawn anew, no choice of keys makes them
// collide.
uint64_t seeded_hash(std::string_view key, uint64_t seed);
uint64_t secret_seed();

}  // namespace moebius::internal
