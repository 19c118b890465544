// One row of the table of bad inputs: how to make the input, and what opening it as a checkpoint must give. Every row
// of every table goes through expect_refused: code, exit code, words, one printable line, memory, time.
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
  std::string name;  // a sentence in snake_case; with the row of docs/reliability.md in front
  std::function<void(const std::filesystem::path& directory)> build;  // the directory holds a good config.json
  ErrorCode code;
  std::vector<std::string> words;  // the message names the file, the tensor or field, and what is wrong
  uint64_t max_bytes = 1 << 20;    // of memory, beyond what lived before
  double max_seconds = 1;          // of processor time, several times as much under a sanitizer
};

void PrintTo(const BadInput& input, std::ostream* out);

// Builds the input in a new directory, opens it as a checkpoint, and checks the refusal.
void expect_refused(const BadInput& input);

// The same checks on anything that must throw.
void expect_refusal(const BadInput& input, const std::function<void()>& open);

// Processor time of this thread: a busy machine does not count, and what waits for ever runs into the test's time
// limit.
double thread_seconds();

// How much slower this build may be than a release.
double slow_build_factor();

}  // namespace moebius::internal

// TEST_P over a table: one test a row, named by the row.
#define MOEBIUS_BAD_INPUTS(Suite, rows)                                     \
  class Suite : public ::testing::TestWithParam<BadInput> {};               \
  INSTANTIATE_TEST_SUITE_P(BadInputs, Suite, ::testing::ValuesIn(rows),     \
                           [](const auto& row) { return row.param.name; }); \
  TEST_P(Suite, is_refused) { expect_refused(GetParam()); }
