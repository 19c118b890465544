// MOEBIUS_CHECK: a condition that only a bug in moebius can break. Never for input: that is Error.
#pragma once

namespace moebius {

// Throws Error(kInternal) with the condition and its place.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace moebius

#define MOEBIUS_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::moebius::check_failed(#condition, __FILE__, __LINE__))
