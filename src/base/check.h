// MOEBIUS_CHECK tests a condition that only a bug in moebius can break. Input is never checked with it: bad input
// throws Error directly.
#pragma once

namespace moebius::internal {

// Throws Error(kInternal) with the condition and its place.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace moebius::internal

#define MOEBIUS_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::moebius::internal::check_failed(#condition, __FILE__, __LINE__))
