// Which tokens a constraint allows: one bit a token, bit id % 32 of word id / 32. An empty mask allows every token.
#pragma once

#include <cstdint>
#include <span>

namespace moebius::internal {

using TokenMask = std::span<const uint32_t>;  // [ceil(vocab / 32)], or empty

inline bool is_allowed(TokenMask mask, size_t id) { return mask.empty() || ((mask[id / 32] >> (id % 32)) & 1) != 0; }

}  // namespace moebius::internal
