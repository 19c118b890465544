// Limits that callers meet. Each has this one place.
#pragma once

#include <cstdint>

namespace moebius {

// Rows of logits of one step, and so requests that run at once, and a token with its drafts. At V = 248320 a row has
// 1 MB.
inline constexpr int64_t kMaxLogitRows = 64;
inline constexpr int64_t kMaxContext = int64_t{1} << 30;  // tokens of a sequence
inline constexpr int kMaxThreads = 1024;

}  // namespace moebius
