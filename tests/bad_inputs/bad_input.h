// One row of a table of bad inputs: how to make the input, and the error that opening it as a checkpoint must throw.
// expect_refused() checks every row of every table: error code, exit code, words, one printable line, memory and time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "moebius/error.h"

namespace moebius::internal {

struct BadInput {
  std::string name;  // a sentence in snake_case, behind the row of docs/reliability.md
  std::function<void(const std::filesystem::path& directory)> build;  // the directory holds a good config.json
  ErrorCode code;
  std::vector<std::string> words;  // the message names the file, the tensor or field, and what is wrong
  uint64_t max_bytes = 1 << 20;    // most memory that opening may allocate
  double max_seconds = 1;          // most processor time in a release; see slow_build_factor()
};

void PrintTo(const BadInput& input, std::ostream* out);

// Builds the input in a new directory, opens it as a checkpoint, and checks the refusal.
void expect_refused(const BadInput& input);

// Makes the checks of expect_refused() on any function that must throw.
void expect_refusal(const BadInput& input, const std::function<void()>& open);

// Returns the processor time of this thread, which does not depend on how busy the machine is. Code that waits for ever
// runs into the time limit of the test.
double thread_seconds();

// Returns how many times slower this build may be than a release.
double slow_build_factor();

}  // namespace moebius::internal

// Defines a TEST_P over a table. Each row is one test and names it.
#define MOEBIUS_BAD_INPUTS(Suite, rows)                                     \
  class Suite : public ::testing::TestWithParam<BadInput> {};               \
  INSTANTIATE_TEST_SUITE_P(BadInputs, Suite, ::testing::ValuesIn(rows),     \
                           [](const auto& row) { return row.param.name; }); \
  TEST_P(Suite, is_refused) { expect_refused(GetParam()); }
