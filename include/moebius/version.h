// What this library is: its version, how it was built, and which numerics it follows.
#pragma once

#include <string>
#include <vector>

#include "moebius/export.h"

namespace moebius {

// The version of docs/numerics.md. Two builds with the same one give the same bits for the same model and request.
inline constexpr int kNumericsVersion = 1;

struct BuildInfo {
  std::string version;                 // "0.1.0"
  std::string commit;                  // "c3b2426f0a1b", with "-dirty" for edited sources, or "unknown"
  std::string compiler;                // "GNU 12.2.0"
  std::vector<std::string> libraries;  // that it uses, each with its version: "fmt 9.1.0"
};

MOEBIUS_API BuildInfo build_info();

}  // namespace moebius
