// Limits that callers meet. Each limit is defined here and nowhere else.
#pragma once

#include <cstdint>

namespace moebius {

// Most rows of logits of one step. It bounds the sequences that run at once, and a token with its drafts. A row has
// 1 MB at a vocabulary of 248320.
inline constexpr int64_t kMaxLogitRows = 64;
inline constexpr int64_t kMaxContext = int64_t{1} << 30;  // most tokens of a sequence
// Most tokens of a sequence when nobody says how many. A longer context would make a start slower, by its RoPE table,
// and could take gigabytes for keys and values.
inline constexpr int64_t kDefaultContext = 32768;
inline constexpr int kMaxThreads = 1024;

}  // namespace moebius
