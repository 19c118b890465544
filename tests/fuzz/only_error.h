// The promise of every fuzz target: an input is accepted, or it is refused by an Error whose message fits a terminal
// line. Any other exception, a failed require(), or a sanitizer report is a finding.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moebius/error.h"

namespace moebius::internal {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

template <typename Body>
int only_error(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    require(exit_code(error.code()) == 65);
    require(message.size() < 10'000 && message.find_first_of("\n\x1b\x7f") == message.npos);
  }
  return 0;
}

}  // namespace moebius::internal
