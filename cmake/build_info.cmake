# cmake -DSOURCE=... -DOUT=... -DVERSION=... -DCOMPILER=... -P build_info.cmake
# Writes the header behind `moebius --version`. Runs with every build of the program, and touches the file only when
# what it says changes (another commit, a first edit): then the one file that includes it is compiled again.
set(commit "")
if(EXISTS ${SOURCE}/.git)
  execute_process(
    COMMAND git --no-optional-locks -c safe.directory=* -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
// Written by cmake/build_info.cmake.
#pragma once

#include <string_view>

namespace moebius::internal::build_info {
inline constexpr std::string_view kVersion = "@VERSION@";
inline constexpr std::string_view kCommit = "@commit@";
inline constexpr std::string_view kCompiler = "@COMPILER@";
}  // namespace moebius::internal::build_info
]])
