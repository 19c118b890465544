// Converts codes between a bit stream and one byte each. In every mode of MLX, a row of codes is one LSB-first stream
// (code i in bits [i * bits, (i + 1) * bits)), stored as little-endian u32 words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace moebius::internal {

// unpack_codes and pack_codes convert one row of packed codes <-> one byte a code. codes.size() is a multiple of 8.
void unpack_codes(std::span<uint8_t> codes, std::span<const std::byte> packed, int bits);
void pack_codes(std::span<std::byte> packed, std::span<const uint8_t> codes, int bits);

}  // namespace moebius::internal
