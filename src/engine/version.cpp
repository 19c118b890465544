// Implements moebius/version.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "moebius/version.h"

#include <fmt/format.h>
#include <pcre2.h>
#include <utf8proc.h>
#include <xxhash.h>

#include <nlohmann/json.hpp>

#include "build_info.h"

namespace moebius {

BuildInfo build_info() {
  const auto three = [](int major, int minor, int patch) { return fmt::format("{}.{}.{}", major, minor, patch); };
  return {
      .version = std::string(internal::build_info::kVersion),
      .commit = std::string(internal::build_info::kCommit),
      .compiler = std::string(internal::build_info::kCompiler),
      .libraries = {"fmt " + three(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100),
                    "nlohmann_json " +
                        three(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH),
                    fmt::format("pcre2 {}.{}", PCRE2_MAJOR, PCRE2_MINOR), std::string("utf8proc ") + utf8proc_version(),
                    "xxhash " + three(XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE)}};
}

}  // namespace moebius
